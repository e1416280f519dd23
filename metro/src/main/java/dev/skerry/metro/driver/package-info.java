/** The port behind which a metro's sandboxes are processes, micro-VMs or something else. */
@NullMarked
package dev.skerry.metro.driver;

import org.jspecify.annotations.NullMarked;
