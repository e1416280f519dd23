/** A session's files: signed URLs, checked bytes, versions. */
@NullMarked
package dev.skerry.controlplane.file;

import org.jspecify.annotations.NullMarked;
