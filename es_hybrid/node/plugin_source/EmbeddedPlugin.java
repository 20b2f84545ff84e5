package eshybrid;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.th.ThaiTokenizer;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestHandler;

/**
 * Adds to the published jars what a shop's index needs of the modules that are not published.
 *
 * <p>Thai is split by the Java runtime, and small runtimes have no locale data for it.
 */
public final class EmbeddedPlugin extends Plugin implements AnalysisPlugin, ActionPlugin {
    private ClusterService cluster;

    @Override
    public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
        Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> analyzers =
            Languages.analyzers();
        if (!ThaiTokenizer.DBBI_AVAILABLE) {
            analyzers.remove("thai");
        }
        return analyzers;
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new HashMap<>();
        for (Component component : Component.read(Tables.TOKEN_FILTERS)) {
            filters.put(component.name(), component.provider(TokenFilter::of));
        }
        filters.put("synonym", AnalysisPlugin.requiresAnalysisSettings(Synonyms::new));
        filters.put("synonym_graph", AnalysisPlugin.requiresAnalysisSettings(Synonyms::graph));
        return filters;
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        Map<String, AnalysisProvider<TokenizerFactory>> tokenizers = new HashMap<>();
        for (Component component : Component.read(Tables.TOKENIZERS)) {
            tokenizers.put(component.name(), component.provider(Tokenizers::lucene));
        }
        tokenizers.putAll(Tokenizers.BY_CHARACTER);
        if (!ThaiTokenizer.DBBI_AVAILABLE) {
            tokenizers.remove("thai");
        }
        return tokenizers;
    }

    @Override
    public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
        Map<String, AnalysisProvider<CharFilterFactory>> filters = new HashMap<>();
        for (Component component : Component.read(Tables.CHAR_FILTERS)) {
            filters.put(component.name(), component.provider(CharFilter::of));
        }
        return filters;
    }

    @Override
    public Collection<?> createComponents(PluginServices services) {
        cluster = services.clusterService();
        return List.of();
    }

    @Override
    public Collection<RestHandler> getRestHandlers(
            RestHandlersServices services,
            Supplier<DiscoveryNodes> nodes,
            Predicate<NodeFeature> supports) {
        return List.of(new Root(cluster));
    }
}
