/** Whether this process lives, whether it can work, and what it is. */
@NullMarked
package dev.skerry.api.health;

import org.jspecify.annotations.NullMarked;
