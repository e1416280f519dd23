/** The process that sandboxes talk to and that holds every secret. */
@NullMarked
package dev.skerry.controlplane;

import org.jspecify.annotations.NullMarked;
