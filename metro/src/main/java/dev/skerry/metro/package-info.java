/** A metro on one Linux machine: Unikraft Cloud's REST API in front of local sandboxes. */
@NullMarked
package dev.skerry.metro;

import org.jspecify.annotations.NullMarked;
