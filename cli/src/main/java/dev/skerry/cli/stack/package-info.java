/** Every part of Skerry on one machine: started in order, found again, stopped in order. */
@NullMarked
package dev.skerry.cli.stack;

import org.jspecify.annotations.NullMarked;
