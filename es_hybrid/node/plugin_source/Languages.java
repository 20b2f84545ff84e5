package eshybrid;

import java.lang.reflect.Constructor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.CharArraySet;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.analysis.AbstractIndexAnalyzerProvider;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** Lucene's analyzers of languages, with Elasticsearch's names and parameters. */
final class Languages {
    private Languages() {}

    static Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> analyzers() {
        Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> analyzers =
            new HashMap<>();
        Tables.pairs(Tables.ANALYZERS).forEach((language, lucene) ->
            analyzers.put(language, (index, environment, name, settings) ->
                provide(name, build(lucene, environment, name, settings))));
        return analyzers;
    }

    /** Some analyzers do not stem, and so have no words that they exclude from it. */
    private static Analyzer build(
            String lucene, Environment environment, String name, Settings settings) {
        try {
            Class<? extends Analyzer> found =
                Class.forName("org.apache.lucene.analysis." + lucene).asSubclass(Analyzer.class);
            CharArraySet usual = (CharArraySet) found.getMethod("getDefaultStopSet").invoke(null);
            CharArraySet stopWords = Analysis.parseStopWords(environment, settings, usual);
            Constructor<? extends Analyzer> stemming = stemming(found);
            if (stemming == null) {
                Component.refuseOthers(name, settings, Set.of("stopwords", "stopwords_path"));
                return found.getConstructor(CharArraySet.class).newInstance(stopWords);
            }
            Component.refuseOthers(
                name, settings, Set.of("stopwords", "stopwords_path", "stem_exclusion"));
            return stemming.newInstance(
                stopWords, Analysis.parseStemExclusion(settings, CharArraySet.EMPTY_SET));
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(lucene, error);
        }
    }

    private static Constructor<? extends Analyzer> stemming(Class<? extends Analyzer> analyzer) {
        try {
            return analyzer.getConstructor(CharArraySet.class, CharArraySet.class);
        } catch (NoSuchMethodException none) {
            return null;
        }
    }

    private static AnalyzerProvider<Analyzer> provide(String name, Analyzer analyzer) {
        return new AbstractIndexAnalyzerProvider<>(name) {
            @Override
            public Analyzer get() {
                return analyzer;
            }
        };
    }
}
