/** Model calls in a provider's own form, for agents that are built on its SDK: passed on byte for byte, metered and capped all the same. */
@NullMarked
package dev.skerry.controlplane.passthrough;

import org.jspecify.annotations.NullMarked;
