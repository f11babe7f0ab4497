using System.Collections.Immutable;
using System.Globalization;
using System.Xml;

namespace Agora.Experiments;

/// <summary>Rules across keys. They look at nodes and not at the record, which exists only where nothing is wrong, and skip what has another fault already.</summary>
internal sealed class ExperimentRules(MapNode root, List<ExperimentFault> faults)
{
    private readonly MapNode? models = root["models"] as MapNode;

    public void Check()
    {
        Names();
        Models();
        var generators = References(root, "generators", "");
        NoneTwice(Texts(root, "generators"), "generators");
        NoneTwice(Texts(root, "settings"), "settings");
        MetaPrompts(generators);
        NoneTwice(Scalars(root["trainingSeeds"] as ListNode, "trainingSeeds"), "trainingSeeds");
        References(root, "judges", "");
        NoneTwice(Texts(root, "judges"), "judges");
        Students();
        DataSets(generators);
        Settings(generators);
        Benchmarks();
        Lengths();
        Recipe();
        Filters();
        TrainingPrice();
        Methods(generators);
        Metrics();
        Json();
    }

    // They stand in reports, figures and on terminals: what cannot be written there is said now and not after the run.
    private void Names()
    {
        IEnumerable<(ScalarNode? Node, string Path)> names =
        [
            .. (models?.Members ?? []).Select(member => ((ScalarNode?)member.Key, "a name in models")),
            .. Maps(root["students"]).Select(student => (Text(student.Map, "name"), $"{student.Path("students")}.name")),
            .. Maps(root["dataSets"]).Select(set => (Text(set.Map, "name"), $"{set.Path("dataSets")}.name")),
        ];
        foreach (var (name, path) in names)
            if (name is not null && !IsPrintable(name.Text))
                Add(name, $"{path} must hold no control characters, got {name.Describe()}");
    }

    /// <summary>Whether XML, which figures are written in, has all of its characters, and none is one that only steers a terminal.</summary>
    private static bool IsPrintable(string name) => !name.Any(letter => char.IsControl(letter) || !(XmlConvert.IsXmlChar(letter) || char.IsSurrogate(letter)));

    // The axis stands for one generator a meta-prompt, so that nothing else may say how they are asked, and nothing may have their names.
    private void MetaPrompts(List<ScalarNode> generators)
    {
        var variants = Texts(root, "metaPrompts");
        NoneTwice(variants, "metaPrompts");
        if (variants.IsEmpty)
            return;
        if ((root["generation"] as MapNode)?["metaPrompt"] is { } single)
            Add(single, "generation.metaPrompt and metaPrompts both say how generators are asked: delete one of them");
        foreach (var generator in generators)
        {
            if ((models?[generator.Text] as MapNode)?["metaPrompt"] is { } own)
                Add(own, $"models.{generator.Text}.metaPrompt and metaPrompts both say how it is asked: delete one of them");
            foreach (var (variant, _) in variants.Skip(1))
                if (models?.Members.FirstOrDefault(member => member.Key.Text == $"{generator.Text}+{variant.Text}").Key is { } taken)
                    Add(taken, $"models.{taken.Text} has the name that {generator.Text} gets with the meta-prompt {variant.Text}: give it another one");
        }
    }

    // Said of answers that nobody writes, it would do nothing.
    private void Json()
    {
        if (root["generation"] is not MapNode generation || Text(generation, "json") is not { } json || json.Text == ExperimentMember.Word(JsonReading.Strict))
            return;
        var variants = (models?.Members ?? []).Select(member => member.Value).OfType<MapNode>().Append(generation).Select(section => Text(section, "metaPrompt")?.Text)
            .Concat(Texts(root, "metaPrompts").Select(variant => variant.Node.Text));
        if (!variants.Contains(MetaPromptVariant.JsonFormat.Name()))
            Add(json, $"generation.json {json.Text} belongs to the meta-prompt {MetaPromptVariant.JsonFormat.Name()}, and no generator is asked with it");
    }

    private void Metrics()
    {
        if (root["metrics"] is not MapNode metrics)
            return;
        References(metrics, "judges", "metrics");
        NoneTwice(Texts(metrics, "judges"), "metrics.judges");
        foreach (var (key, providers) in ((string, string[])[])[("perplexity", [ModelSpec.Embedded, ModelSpec.OpenAI]), ("reference", [ModelSpec.Embedded, ModelSpec.OpenAI]), ("reward", [ModelSpec.Embedded]), ("embeddings", [ModelSpec.Embedded, ModelSpec.OpenAI])])
        {
            Reference(Text(metrics, key), $"metrics.{key}");
            if (Text(metrics, key) is { } name && models?[name.Text] is MapNode model && Text(model, "provider") is { } provider && !providers.Contains(provider.Text))
                Add(name, $"metrics.{key} must be a model of provider {string.Join(" or ", providers)}, got {name.Describe()} of provider {provider.Text}");
        }
        if (metrics["reference"] is { } reference && metrics["perplexity"] is null)
            Add(reference, "metrics.reference needs metrics.perplexity: the implicit reward compares the two models");
        if (metrics["verification"] is MapNode verification)
            Reference(Text(verification, "solver"), "metrics.verification.solver");
    }

    private void Models()
    {
        if (models is { Members.Count: 0 })
            Add(models, "models must not be empty");
        var shared = new Dictionary<string, (string Name, string Limits)>();
        foreach (var (name, node) in models?.Members ?? [])
        {
            if (node is not MapNode model || Text(model, "provider") is not { } provider)
                continue;
            var path = $"models.{name.Text}";
            (string[] needed, string[] refused) = provider.Text switch
            {
                ModelSpec.Embedded => (new[] { "path" }, new[] { "model", "endpoint", "apiKeyVariable", "apiVersion", "capabilities", "limits", "batch" }),
                ModelSpec.OpenAI => (["model", "endpoint"], ["path", "apiVersion"]),
                ModelSpec.Azure => (["model", "endpoint", "apiKeyVariable"], ["path"]),
                ModelSpec.Anthropic => (["model", "apiKeyVariable"], ["path", "apiVersion"]),
                _ => ([], []),
            };
            foreach (var key in needed)
                if (model[key] is null)
                    Add(model, $"{path}.{key} is missing: provider {provider.Text} needs it");
            foreach (var key in refused)
                if (model.Members.Find(member => member.Key.Text == key).Key is { } given)
                    Add(given, $"{path}.{key} has no meaning for provider {provider.Text}; delete it");
            Mode(model, provider.Text, path);
            if (provider.Text != ModelSpec.OpenAI && Text(model, "likelihood") is { } likelihood && likelihood.Text != ExperimentMember.Word(LikelihoodReading.Chat))
                Add(likelihood, $"{path}.likelihood has no meaning for provider {provider.Text}; delete it");
            if (Text(model, "endpoint") is { } endpoint)
                Endpoint(endpoint, $"{path}.endpoint");
            if (model["endpoint"] is ScalarNode at && Text(model, "model") is { } named
                && !shared.TryAdd($"{at.Text} {named.Text}", (name.Text, Limits(model))) && shared[$"{at.Text} {named.Text}"] is var first && first.Limits != Limits(model))
                Add(model, $"{path} and models.{first.Name} are the same model at the same endpoint, so that maxParallel and limits must be the same, too");
        }
    }

    private void Mode(MapNode model, string provider, string path)
    {
        var mode = Text(model, "mode")?.Text ?? ExperimentMember.Word(RequestMode.Online);
        if (mode == ExperimentMember.Word(RequestMode.Online))
        {
            if (model["batch"] is { } unread && provider != ModelSpec.Embedded)
                Add(unread, $"{path}.batch belongs to {path}.mode batch or auto, and the mode is online");
            return;
        }
        var declared = ((model["capabilities"] as MapNode)?["batch"] as ScalarNode)?.Text;
        if (provider is ModelSpec.Azure or ModelSpec.Embedded)
            Add(model["mode"]!, $"{path}.mode {mode} is not to be had with provider {provider}: set mode: online");
        else if (provider == ModelSpec.OpenAI && mode == ExperimentMember.Word(RequestMode.Batch) && declared is not ("true" or "True" or "TRUE")
            && !(Text(model, "endpoint") is { } at && Uri.TryCreate(at.Text, UriKind.Absolute, out var address) && address.Host == "api.openai.com"))
            Add(model["mode"]!, $"{path}.mode batch needs an endpoint with a batch API; where {Text(model, "endpoint")?.Describe() ?? "it"} has one like OpenAI's, say so with capabilities: {{batch: true}}");
    }

    private static string Limits(MapNode model)
    {
        var limits = model["limits"] is MapNode given ? given.Members : [];
        return $"{(model["maxParallel"] as ScalarNode)?.Text} {string.Join(' ', limits.Select(member => $"{member.Key.Text}={(member.Value as ScalarNode)?.Text}").Order(StringComparer.Ordinal))}";
    }

    private void Endpoint(ScalarNode node, string path)
    {
        if (!Uri.TryCreate(node.Text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            Add(node, $"{path} must be an address that starts with http:// or https://, got {node.Describe()}");
        else if (address.UserInfo != "" || address.Query != "")
            Add(node, $"{path} must hold no user name, password or query: a key belongs into the variable that apiKeyVariable names");
    }

    private void Students()
    {
        NoneTwice([.. Maps(root["students"]).Select(student => (Text(student.Map, "name"), $"{student.Path("students")}.name")).Where(name => name.Item1 is not null)!], "students");
        foreach (var (student, index) in Maps(root["students"]))
        {
            var path = $"students[{index}]";
            var (baseModel, reference) = (Text(student, "base"), Text(student, "reference"));
            Reference(baseModel, $"{path}.base");
            Reference(reference, $"{path}.reference");
            if (baseModel is not null && reference is not null && baseModel.Text == reference.Text)
                Add(reference, $"{path}.reference must be another model than {path}.base, or there is no gap to recover; got {reference.Describe()} for both");
            if (baseModel is not null && models?[baseModel.Text] is MapNode model && Text(model, "provider") is { Text: not ModelSpec.Embedded } provider)
                Add(baseModel, $"{path}.base must be a model with provider {ModelSpec.Embedded}, since it is trained here; {baseModel.Describe()} has provider {provider.Text}");
        }
    }

    private void DataSets(List<ScalarNode> generators)
    {
        var names = Maps(root["dataSets"]).Select(set => (Node: Text(set.Map, "name"), Path: $"{set.Path("dataSets")}.name")).Where(name => name.Node is not null).ToList();
        NoneTwice(names!, "dataSets");
        foreach (var (name, path) in names)
            if (generators.Any(generator => generator.Text == name!.Text || Texts(root, "metaPrompts").Skip(1).Any(variant => $"{generator.Text}+{variant.Node.Text}" == name!.Text)))
                Add(name!, $"{path} must differ from every generator's name, got {name!.Describe()}");
        if (generators.Count == 0 && root["generators"] is null or ListNode { Items.Count: 0 } && root["dataSets"] is null or ListNode { Items.Count: 0 })
            Add(root, "generators is missing: name at least one model, or give dataSets");
    }

    private void Settings(List<ScalarNode> generators)
    {
        if (generators.Count > 0 && root["settings"] is null or ListNode { Items.Count: 0 })
            Add(root["settings"] ?? root, "settings is missing: name at least one, such as math/instance_generation");
        if (generators.Count == 0)
            return;
        var seedData = root["seedData"] as MapNode;
        if (root["seedData"] is not null && seedData is null)
            return;
        foreach (var (setting, path) in Texts(root, "settings"))
            if (Setting.TryParse(setting.Text, out var known) && known.Method.NeedsSeeds && seedData?[setting.Text] is null)
                Add(setting, $"{path} {setting.Text} has no seed data: add seedData.{setting.Text}");
    }

    private void Benchmarks()
    {
        var given = root["benchmarks"] as MapNode;
        foreach (var (domain, node) in given?.Members ?? [])
        {
            var names = new List<(ScalarNode, string)>();
            foreach (var (benchmark, index) in Maps(node))
            {
                if (Text(benchmark, "name") is not { } name)
                    continue;
                var path = $"benchmarks.{domain.Text}[{index}].name";
                names.Add((name, path));
                if (!BenchmarkNames.Domains.TryGetValue(name.Text, out var home))
                {
                    Add(name, $"{path} must be {string.Join(", ", BenchmarkNames.Domains.Keys)}, got {name.Describe()}{NameSuggestion.For(name.Text, BenchmarkNames.Domains.Keys)}");
                    continue;
                }
                if (home.Name() != domain.Text)
                    Add(name, $"{path} is a benchmark of {home.Name()}, not of {domain.Text}");
                if (BenchmarkNames.Judged.Contains(name.Text) && root["judges"] is null or ListNode { Items.Count: 0 })
                    Add(name, $"{path} {name.Text} needs a judge: name at least one model in judges");
            }
            NoneTwice(names, $"benchmarks.{domain.Text}");
        }
        if (given is null)
            return;
        var used = Texts(root, "settings").Select(setting => setting.Node)
            .Concat(Maps(root["dataSets"]).Select(set => Text(set.Map, "setting")).OfType<ScalarNode>());
        var missing = new HashSet<Domain>();
        foreach (var node in used)
            if (Setting.TryParse(node.Text, out var setting) && given[setting.Domain.Name()] is null or ListNode { Items.Count: 0 } && missing.Add(setting.Domain))
                Add(node, $"{node.Text} has no benchmark: add at least one to benchmarks.{setting.Domain.Name()}");
    }

    // What the checks let through must also be trained on, or rows vanish between generation and training.
    private void Lengths()
    {
        var generation = Whole(root["generation"] as MapNode, "maxInstanceTokens", new GenerationSpec().MaxInstanceTokens);
        var recipe = Whole(root["recipe"] as MapNode, "maxLength", new StudentRecipe().MaxLength);
        if (!Texts(root, "generators").IsEmpty && generation.Value > recipe.Value)
        {
            Add(generation.Node ?? recipe.Node ?? root,
                $"generation.maxInstanceTokens must be at most recipe.maxLength, got {generation.Value} and {recipe.Value}: longer instances would be left out of the training");
        }
    }

    // A number that its schedule does not read was meant for another one.
    private void Recipe()
    {
        if (root["recipe"] is not MapNode recipe)
            return;
        var usual = new StudentRecipe();
        var schedule = Text(recipe, "schedule")?.Text ?? ExperimentMember.Word(usual.Schedule);
        var falls = schedule == ExperimentMember.Word(Schedule.Linear) || schedule == ExperimentMember.Word(Schedule.Cosine);
        if (schedule != ExperimentMember.Word(Schedule.EpochDecay))
            Unread("epochDecay", usual.EpochDecay, ExperimentMember.Word(Schedule.EpochDecay));
        if (!falls)
            Unread("finalLearningRateShare", usual.FinalLearningRateShare, "linear and cosine");

        void Unread(string key, double usual, string reader)
        {
            if (recipe[key] is ScalarNode { IsNumber: true } number && double.Parse(number.Text, CultureInfo.InvariantCulture) != usual)
                Add(number, $"recipe.{key} belongs to recipe.schedule {reader}, and the schedule is {schedule}");
        }
    }

    private void TrainingPrice()
    {
        if (root["budget"] is not MapNode budget)
            return;
        foreach (var (given, needed) in ((string, string)[])[("trainingDollarsPerHour", "trainingTokensPerSecond"), ("trainingTokensPerSecond", "trainingDollarsPerHour")])
            if (budget[given] is { } alone && budget[needed] is null)
                Add(alone, $"budget.{given} needs budget.{needed}: training costs its time times its price");
    }

    private void Filters()
    {
        var filters = (root["generation"] as MapNode)?["filters"] as MapNode;
        if (filters?["embeddingDuplicates"] is MapNode embedding)
            Reference(Text(embedding, "model"), "generation.filters.embeddingDuplicates.model");
        var length = filters?["length"] as MapNode;
        foreach (var part in (ReadOnlySpan<string>)["Instruction", "Response"])
        {
            var (shortest, longest) = (Whole(length, $"min{part}", 1), Whole(length, $"max{part}", int.MaxValue));
            if (shortest.Value > longest.Value)
                Add(shortest.Node!, $"generation.filters.length.min{part} must be at most max{part}, got {shortest.Value} and {longest.Value}");
        }
    }

    // What a method needs besides seeds.
    private void Methods(List<ScalarNode> generators)
    {
        var settings = Texts(root, "settings");
        var bestOf = (root["generation"] as MapNode)?["bestOf"] as MapNode;
        if (bestOf is not null)
        {
            Reference(Text(bestOf, "judge"), "generation.bestOf.judge");
            Reference(Text(bestOf, "reward"), "generation.bestOf.reward");
            if (bestOf["judge"] is null == bestOf["reward"] is null)
                Add(bestOf, $"generation.bestOf needs judge or reward, and {(bestOf["judge"] is null ? "neither is" : "both are")} given");
            if (Text(bestOf, "reward") is { } reward && models?[reward.Text] is MapNode scorer && Text(scorer, "provider") is { } provider && provider.Text != ModelSpec.Embedded)
                Add(reward, $"generation.bestOf.reward must be a model of provider {ModelSpec.Embedded}, got {reward.Describe()} of provider {provider.Text}");
        }
        if (settings.FirstOrDefault(setting => setting.Node.Text.EndsWith("/" + GenerationMethod.BestOfN.Name(), StringComparison.Ordinal)) is ({ } best, var path) && bestOf is null)
            Add(best, $"{path} {best.Text} needs somebody who scores its candidates: add generation.bestOf with judge or reward, a name in models");
        if (settings.FirstOrDefault(setting => setting.Node.Text.EndsWith("/" + GenerationMethod.SelfSynthesis.Name(), StringComparison.Ordinal)).Node is not { } self)
            return;
        foreach (var generator in generators)
            if (models?[generator.Text] is MapNode model && Text(model, "provider") is { Text: not ModelSpec.Embedded } && model["userTurn"] is null)
                Add(model, $"models.{generator.Text}.userTurn is missing: {self.Text} has the model write the user's message, and only an embedded model's chat template is known here");
    }

    private static (ExperimentNode? Node, int? Value) Whole(MapNode? section, string key, int missing) =>
        section?[key] is not { } node ? (null, missing)
        : node is ScalarNode { IsNumber: true } number && int.TryParse(number.Text, out var value) ? (node, value)
        : (node, null);

    private List<ScalarNode> References(MapNode section, string key, string path)
    {
        var names = Texts(section, key);
        foreach (var (name, place) in names)
            Reference(name, ExperimentReader.Join(path, place));
        return [.. names.Select(name => name.Node)];
    }

    private void Reference(ScalarNode? name, string path)
    {
        if (name is null || models is null || models[name.Text] is not null)
            return;
        var known = models.Members.Select(member => member.Key.Text).ToList();
        var suggestion = NameSuggestion.For(name.Text, known);
        if (suggestion == "" && known.Count > 0)
            suggestion = $"; models has {string.Join(", ", known)}";
        Add(name, $"{path} must be a name in models, got {name.Describe()}{suggestion}");
    }

    private void NoneTwice(IReadOnlyList<(ScalarNode Node, string Path)> names, string list)
    {
        var seen = new HashSet<string>();
        foreach (var (name, _) in names)
            if (!seen.Add(name.Text))
                Add(name, $"{list} must name nothing twice, got {name.Describe()} again");
    }

    private static ScalarNode? Text(MapNode section, string key) => section[key] as ScalarNode is { IsText: true } text ? text : null;

    private static ImmutableArray<(ScalarNode Node, string Path)> Texts(MapNode section, string key) =>
        [.. Scalars(section[key] as ListNode, key).Where(scalar => scalar.Node.IsText)];

    private static ImmutableArray<(ScalarNode Node, string Path)> Scalars(ListNode? list, string key) =>
        [.. (list?.Items ?? []).Index().Where(entry => entry.Item is ScalarNode).Select(entry => ((ScalarNode)entry.Item, $"{key}[{entry.Index}]"))];

    private static IEnumerable<Entry> Maps(ExperimentNode? list) =>
        ((list as ListNode)?.Items ?? []).Index().Where(entry => entry.Item is MapNode).Select(entry => new Entry((MapNode)entry.Item, entry.Index));

    private void Add(ExperimentNode node, string message) => faults.Add(new ExperimentFault(node.Position, message));

    private sealed record Entry(MapNode Map, int Index)
    {
        public string Path(string list) => $"{list}[{Index}]";
    }
}
