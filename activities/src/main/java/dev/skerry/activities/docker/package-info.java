/** Sandboxes as containers of a Docker Engine, on this machine or, over TLS, on another. */
@NullMarked
package dev.skerry.activities.docker;

import org.jspecify.annotations.NullMarked;
