/** Turns as people see them, and how one is recorded. */
@NullMarked
package dev.skerry.api.turn;

import org.jspecify.annotations.NullMarked;
