/** Finds VMs that no living session owns, and destroys them. */
@NullMarked
package dev.skerry.reaper;

import org.jspecify.annotations.NullMarked;
