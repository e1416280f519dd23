/** The description of this API for programs. */
@NullMarked
package dev.skerry.api.openapi;

import org.jspecify.annotations.NullMarked;
