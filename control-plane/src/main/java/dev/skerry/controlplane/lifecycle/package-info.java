/** What the worker asks for: incarnations, turns, flushes, transitions, closed books. */
@NullMarked
package dev.skerry.controlplane.lifecycle;

import org.jspecify.annotations.NullMarked;
