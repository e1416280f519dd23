/** What a sandbox has to do, what it did, and its signs of life. */
@NullMarked
package dev.skerry.controlplane.turn;

import org.jspecify.annotations.NullMarked;
