/** The models that a session may use. */
@NullMarked
package dev.skerry.api.model;

import org.jspecify.annotations.NullMarked;
