using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Nano.Exercises;

namespace Agora.Nano;

/// <summary>Seeds and benchmarks of the embedded domains, written by rule and seeded: the same files every time.</summary>
internal static class NanoData
{
    public const int BenchmarkItems = 500;
    public const int DevelopmentItems = 500;
    public const int InstanceGenerationSeeds = 80;
    public const int OtherSeeds = 600;

    /// <summary>Everything that is written by rule derives from this; the models' training from streams of the same seed.</summary>
    public static RandomStreams Streams { get; } = new(20241203);

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Exercises to choose recipes and sizes by; no file that is shipped holds them, and the benchmark shares none.</summary>
    public static ImmutableArray<Exercise> Development(Domain domain) => [.. HeldOut(domain).Take(DevelopmentItems)];

    /// <summary>The held-out exercises, in the file's order; their responses are the reference answers.</summary>
    public static ImmutableArray<Exercise> Benchmark(Domain domain) => [.. HeldOut(domain).Skip(DevelopmentItems).Take(BenchmarkItems)];

    private static IEnumerable<Exercise> HeldOut(Domain domain) => NanoDomain.Of(domain).WriteDistinct(Streams.For($"benchmark/{domain.Name()}"), Part.Benchmark);

    /// <summary>The exercises that a method's seed file holds; no two methods of a domain share one.</summary>
    public static ImmutableArray<Exercise> SeedExercises(Setting setting)
    {
        var all = NanoDomain.Of(setting.Domain).WriteDistinct(Streams.For($"seeds/{setting.Domain.Name()}"), Part.Seeds);
        return setting.Method == GenerationMethod.InstanceGeneration ? [.. all.Take(InstanceGenerationSeeds)]
            : setting.Method == GenerationMethod.ResponseGeneration ? [.. all.Skip(InstanceGenerationSeeds).Take(OtherSeeds)]
            : [.. all.Skip(InstanceGenerationSeeds + OtherSeeds).Take(OtherSeeds)];
    }

    /// <summary>The pairs that quality enhancement starts from, with what is wrong with each.</summary>
    public static ImmutableArray<FlawedPair> FlawedSeeds(Domain domain)
    {
        var random = Streams.For($"flaws/{domain.Name()}");
        return [.. SeedExercises(new Setting(domain, GenerationMethod.QualityEnhancement)).Select(exercise => exercise.Flawed(random))];
    }

    /// <summary>Path below the folder of the embedded benchmark, with slashes, and content, of every file that is written by rule.</summary>
    public static IEnumerable<(string Path, string Content)> Files()
    {
        foreach (var domain in NanoDomain.All.Select(d => d.Domain))
        {
            yield return ($"benchmarks/{domain.Name()}.jsonl", Lines(Benchmark(domain).Select((exercise, i) => exercise.BenchmarkRow($"nano-{domain.Name()}-{i}"))));
            yield return (SeedFile(domain, GenerationMethod.InstanceGeneration),
                Lines(SeedExercises(new Setting(domain, GenerationMethod.InstanceGeneration)).Select(e => Pair(e.Instruction, e.Response))));
            yield return (SeedFile(domain, GenerationMethod.ResponseGeneration),
                Lines(SeedExercises(new Setting(domain, GenerationMethod.ResponseGeneration)).Select(e => new JsonObject { ["instruction"] = e.Instruction })));
            yield return (SeedFile(domain, GenerationMethod.QualityEnhancement), Lines(FlawedSeeds(domain).Select(pair => Pair(pair.Instruction, pair.Response))));
            yield return ($"prompts/themes/{domain.Name()}.txt", string.Concat(NanoDomain.Of(domain).Themes.Select(theme => theme + "\n")));
        }
        yield return ("prompts/opening_words/instruction_following.txt", string.Concat(Texts.TextDomain.OpeningWords.Select(word => word + "\n")));
    }

    private static string SeedFile(Domain domain, GenerationMethod method) => $"seeds/{domain.Name()}/{method.Name()}.jsonl";

    private static JsonObject Pair(string instruction, string response) => new() { ["instruction"] = instruction, ["response"] = response };

    private static string Lines(IEnumerable<JsonObject> rows) => string.Concat(rows.Select(row => row.ToJsonString(Readable) + "\n"));
}
