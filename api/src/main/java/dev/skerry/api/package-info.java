/** The process for people: REST and server-sent events over the store and Temporal. */
@NullMarked
package dev.skerry.api;

import org.jspecify.annotations.NullMarked;
