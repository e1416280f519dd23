/** System prompt, tools and limits that a session is pinned to. */
@NullMarked
package dev.skerry.controlplane.profile;

import org.jspecify.annotations.NullMarked;
