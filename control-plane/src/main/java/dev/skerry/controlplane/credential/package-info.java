/** Tenants' credentials: sealed at rest, opened for one request, shown to nobody. */
@NullMarked
package dev.skerry.controlplane.credential;

import org.jspecify.annotations.NullMarked;
