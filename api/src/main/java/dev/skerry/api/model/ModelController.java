package dev.skerry.api.model;

import dev.skerry.api.Listing;
import dev.skerry.store.Models;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the control plane offers at present. */
@RestController
class ModelController {
    private final Models models;

    ModelController(Models models) {
        this.models = models;
    }

    @GetMapping("/v1/models")
    Listing<ModelView> list() {
        return new Listing<>(models.list().stream().map(ModelView::of).toList());
    }
}
