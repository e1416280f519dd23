/** What goes wrong, said in one form: application/problem+json. */
@NullMarked
package dev.skerry.api.problem;

import org.jspecify.annotations.NullMarked;
