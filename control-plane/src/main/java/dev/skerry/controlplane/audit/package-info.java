/** The audit log: what is recorded, and refusals among it. */
@NullMarked
package dev.skerry.controlplane.audit;

import org.jspecify.annotations.NullMarked;
