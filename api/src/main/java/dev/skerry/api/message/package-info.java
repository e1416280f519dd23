/** The conversation. */
@NullMarked
package dev.skerry.api.message;

import org.jspecify.annotations.NullMarked;
