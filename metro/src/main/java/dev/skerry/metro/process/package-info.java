/** Sandboxes as local processes, for laptops and fast tests. */
@NullMarked
package dev.skerry.metro.process;

import org.jspecify.annotations.NullMarked;
