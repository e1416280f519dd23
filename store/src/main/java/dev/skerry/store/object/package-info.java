/** The bytes of workspaces: a directory, or a bucket of an S3-compatible store. */
@NullMarked
package dev.skerry.store.object;

import org.jspecify.annotations.NullMarked;
