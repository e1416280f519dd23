/** Money: reserved before a model call, settled once after it, and never left lying by a crash. */
@NullMarked
package dev.skerry.controlplane.budget;

import org.jspecify.annotations.NullMarked;
