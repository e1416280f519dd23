/** The port to whoever runs sandboxes, and the activities that a session calls on it. */
@NullMarked
package dev.skerry.activities.provider;

import org.jspecify.annotations.NullMarked;
