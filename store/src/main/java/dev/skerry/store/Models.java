package dev.skerry.store;

import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** The models that the control plane offers at present, published for everyone else to read. */
@Repository
public class Models {
    private final JdbcClient jdbc;

    Models(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** One model; prices in nano-dollars per million tokens. */
    public record ModelRow(
            String id,
            String provider,
            boolean isDefault,
            boolean rehearsal,
            long inputNanoUsdPerMtok,
            long outputNanoUsdPerMtok,
            int contextTokens) {}

    /** Replaces the whole list; of several control planes that start together, one after the other. */
    @Transactional
    public void publish(List<ModelRow> models) {
        // Lets everybody read meanwhile.
        jdbc.sql("lock table models in share row exclusive mode").update();
        jdbc.sql("delete from models").update();
        for (ModelRow model : models) {
            jdbc.sql("""
                            insert into models (id, provider, is_default, rehearsal, input_nano_usd_per_mtok, output_nano_usd_per_mtok, context_tokens)
                            values (:id, :provider, :isDefault, :rehearsal, :input, :output, :context)""")
                    .param("id", model.id())
                    .param("provider", model.provider())
                    .param("isDefault", model.isDefault())
                    .param("rehearsal", model.rehearsal())
                    .param("input", model.inputNanoUsdPerMtok())
                    .param("output", model.outputNanoUsdPerMtok())
                    .param("context", model.contextTokens())
                    .update();
        }
    }

    /** The default first, then by id. */
    public List<ModelRow> list() {
        return jdbc.sql("select * from models order by is_default desc, id")
                .query((row, n) -> new ModelRow(
                        row.getString("id"),
                        row.getString("provider"),
                        row.getBoolean("is_default"),
                        row.getBoolean("rehearsal"),
                        row.getLong("input_nano_usd_per_mtok"),
                        row.getLong("output_nano_usd_per_mtok"),
                        row.getInt("context_tokens")))
                .list();
    }

    public Optional<ModelRow> find(String id) {
        return list().stream().filter(model -> model.id().equals(id)).findFirst();
    }
}
