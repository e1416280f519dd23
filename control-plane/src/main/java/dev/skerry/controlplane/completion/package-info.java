/** Temporal's activities that wait for a sandbox, and how they are told. */
@NullMarked
package dev.skerry.controlplane.completion;

import org.jspecify.annotations.NullMarked;
