package eshybrid;

import java.io.IOException;
import java.io.Reader;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.NormalizingCharFilterFactory;

/** A character filter of Lucene. */
class CharFilter implements CharFilterFactory {
    private final String name;
    private final org.apache.lucene.analysis.CharFilterFactory factory;

    private CharFilter(Component.Configured configured) throws IOException {
        this.name = configured.name();
        this.factory = configured.create(org.apache.lucene.analysis.CharFilterFactory::forName);
    }

    static CharFilterFactory of(Component.Configured configured) throws IOException {
        return configured.component().has('n')
            ? new Normalizing(configured)
            : new CharFilter(configured);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Reader create(Reader text) {
        return factory.create(text);
    }

    /** A filter that normalizers may use. */
    private static final class Normalizing extends CharFilter
            implements NormalizingCharFilterFactory {
        Normalizing(Component.Configured configured) throws IOException {
            super(configured);
        }
    }
}
