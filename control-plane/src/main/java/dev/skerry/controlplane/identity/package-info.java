/** Who is calling: boot tokens, session tokens, leases, fencing. */
@NullMarked
package dev.skerry.controlplane.identity;

import org.jspecify.annotations.NullMarked;
