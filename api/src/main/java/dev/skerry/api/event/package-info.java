/** A session's log: as pages, and as a stream without gaps. */
@NullMarked
package dev.skerry.api.event;

import org.jspecify.annotations.NullMarked;
