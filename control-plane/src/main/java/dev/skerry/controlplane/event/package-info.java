/** What a sandbox may add to its session's log. */
@NullMarked
package dev.skerry.controlplane.event;

import org.jspecify.annotations.NullMarked;
