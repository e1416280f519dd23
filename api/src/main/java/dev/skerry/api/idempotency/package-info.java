/** Requests that may be sent twice and are done once. */
@NullMarked
package dev.skerry.api.idempotency;

import org.jspecify.annotations.NullMarked;
