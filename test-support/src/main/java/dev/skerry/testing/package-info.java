/** Real servers for tests, and skips that say why. */
@NullMarked
package dev.skerry.testing;

import org.jspecify.annotations.NullMarked;
