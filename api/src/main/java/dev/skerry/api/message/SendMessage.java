package dev.skerry.api.message;

import org.jspecify.annotations.Nullable;

/**
 * What a person says.
 *
 * @param text 1 byte to 1 MiB of UTF-8
 */
record SendMessage(@Nullable String text) {}
