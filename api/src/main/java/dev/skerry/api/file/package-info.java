/** The files of a session's workspace, read only. */
@NullMarked
package dev.skerry.api.file;

import org.jspecify.annotations.NullMarked;
