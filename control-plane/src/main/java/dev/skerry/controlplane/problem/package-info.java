/** Every way to refuse a request, and the one place that writes it as problem+json. */
@NullMarked
package dev.skerry.controlplane.problem;

import org.jspecify.annotations.NullMarked;
