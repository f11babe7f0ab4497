using System.Text.Json;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Runs;
using Agora.SeedData;

namespace Agora.Tests.Runs;

/// <summary>What leaves Agora: JSONL, Parquet, the card; and the preview before anything is made.</summary>
public sealed class DatasetFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TinyExperiment tiny;

    public DatasetFilesTests() => tiny = new TinyExperiment(folder.Path);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Both_formats_hold_every_instance_with_the_published_keys_first()
    {
        foreach (var data in (await GenerateAsync()).Result.Data)
        {
            var instances = StepFiles.ReadLines<SyntheticInstance>(data.Result, StepFiles.Instances);
            foreach (var format in Enum.GetValues<DatasetFormat>())
            {
                var path = await DatasetFiles.WriteAsync(data, format, folder["out"], Stop);
                var rows = RowReader.Read(path, [new TextColumn("instruction"), new TextColumn("response"), new TextColumn("config")]).Cast<FileRow.Good>().ToArray();
                Assert.Equal(instances.Select(row => (row.Instruction, row.Response, row.Config)), rows.Select(row => (row.Values[0]!, row.Values[1]!, row.Values[2]!)));
                Assert.Equal(Path.Combine(folder["out"], $"{data.Generator}.math.{data.Setting.Method.Name()}.{(format == DatasetFormat.Jsonl ? "jsonl" : "parquet")}"), path);
            }
            var first = JsonDocument.Parse(File.ReadLines(Path.Combine(folder["out"], DatasetFiles.NameOf(data, DatasetFormat.Jsonl))).First()).RootElement;
            Assert.Equal(["instruction", "response", "config"], first.EnumerateObject().Take(3).Select(member => member.Name));
        }
        Assert.Empty(Directory.EnumerateFiles(folder["out"], "*.part"));
    }

    [Fact]
    public async Task What_could_not_be_written_to_its_end_leaves_nothing_beside()
    {
        var data = (await GenerateAsync()).Result.Data[0];
        foreach (var format in Enum.GetValues<DatasetFormat>())
        {
            Directory.CreateDirectory(Path.Combine(folder["out"], DatasetFiles.NameOf(data, format)));      // a folder stands where the file belongs
            await Assert.ThrowsAsync<AgoraException>(() => DatasetFiles.WriteAsync(data, format, folder["out"], Stop));
        }
        Assert.Empty(Directory.EnumerateFiles(folder["out"]));
    }

    [Fact]
    public async Task Parquet_holds_the_whole_provenance()
    {
        var data = (await GenerateAsync()).Result.Data.First(data => data.Setting.Method == GenerationMethod.InstanceGeneration);
        var path = await DatasetFiles.WriteAsync(data, DatasetFormat.Parquet, folder["out"], Stop);
        var rows = ParquetObjects.Read(path).ToArray();
        foreach (var (row, instance) in rows.Zip(StepFiles.ReadLines<SyntheticInstance>(data.Result, StepFiles.Instances)))
        {
            var provenance = instance.Provenance;
            Assert.Equal((instance.Index, provenance.Round, provenance.Tries, provenance.InputTokens, provenance.OutputTokens),
                (row.GetProperty("index").GetInt32(), row.GetProperty("round").GetInt32(), row.GetProperty("tries").GetInt32(), row.GetProperty("input_tokens").GetInt64(), row.GetProperty("output_tokens").GetInt64()));
            Assert.Equal((provenance.PromptHash, provenance.Setting, (double)provenance.CostDollars!), (row.GetProperty("prompt_hash").GetString(), row.GetProperty("setting").GetString(), row.GetProperty("cost_dollars").GetDouble()));
            Assert.Equal(provenance.Demonstrations, JsonSerializer.Deserialize<string[]>(row.GetProperty("demonstrations").GetString()!)!);
            Assert.False(row.TryGetProperty("seed", out var seed) && seed.ValueKind != JsonValueKind.Null);
        }
        Assert.Equal(20, rows.Length);
    }

    [Fact]
    public async Task The_card_tells_generators_prompts_prices_counts_and_rejects()
    {
        var outcome = await GenerateAsync();
        Directory.CreateDirectory(folder["out"]);
        var card = File.ReadAllText(DatasetCard.Write(tiny.Experiment(), [.. outcome.Result.Data.Select(data => (data, (System.Collections.Immutable.ImmutableArray<string>)[DatasetFiles.NameOf(data, DatasetFormat.Jsonl), DatasetFiles.NameOf(data, DatasetFormat.Parquet)]))], folder["out"]));
        Assert.StartsWith("---\n", card, StringComparison.Ordinal);
        Assert.Contains("data_files: \"writer-a.math.response_generation.parquet\"", card, StringComparison.Ordinal);
        Assert.Contains("| writer-a | math/instance_generation | 20 | 20 |", card, StringComparison.Ordinal);
        Assert.Contains("$1 and $2 per million input and output tokens", card, StringComparison.Ordinal);
        Assert.Contains("`result_missing`", card, StringComparison.Ordinal);
        Assert.Contains("Write a sum. After OUTPUT: answer it.", card, StringComparison.Ordinal);
        Assert.Contains("seeds from `seeds.jsonl`", card, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, card, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_card_tells_licences_of_seeds_as_far_as_they_are_known_and_who_else_was_asked()
    {
        var (outcome, experiment) = (await GenerateAsync(), tiny.Experiment());
        var data = outcome.Result.Data.Select(data => (data with { Setting = data.Setting with { Method = data.Setting.Method == GenerationMethod.ResponseGeneration ? GenerationMethod.BestOfN : data.Setting.Method } }, (System.Collections.Immutable.ImmutableArray<string>)["data.jsonl"])).ToArray();
        Directory.CreateDirectory(folder["out"]);
        tiny.Write("prompts/agorabench/math/best_of_n.txt", "Answer this: <input>");
        tiny.Write("prompts/scoring/math.txt", "<input> <output> Score: 7");
        var card = File.ReadAllText(DatasetCard.Write(experiment with
        {
            SeedData = experiment.SeedData.SetItem(new Setting(Domain.Math, GenerationMethod.InstanceGeneration), new DataSource { File = "catalogue:math/instance_generation" })
                .SetItem(new Setting(Domain.Math, GenerationMethod.BestOfN), new DataSource { File = "hf://datasets/some/where@main/x.jsonl" }),
            Generation = experiment.Generation with { BestOf = new BestOfSpec { Judge = "reference", Candidates = 3 } },
            Models = experiment.Models.SetItem("writer-a", experiment.Models["writer-a"] with { Price = new Price { Input = 1, CachedInput = 0.1m, Output = 2 }, Temperature = 0.25, TopP = 0.5 }),
        }, data, folder["out"]));
        Assert.Contains("Temperature 1 (writer-a 0.25), top-p 0.9 (writer-a 0.5), at most", card, StringComparison.Ordinal);
        Assert.Contains("math/instance_generation: seeds from GSM8K train and MATH train: `openai/gsm8k`, licence MIT; a copy of the writer's own, licence MIT claimed, contested", card, StringComparison.Ordinal);
        Assert.Contains("math/best_of_n: seeds from `hf://datasets/some/where@main/x.jsonl`, whose page tells their licence", card, StringComparison.Ordinal);
        Assert.Contains("- **reference** chose the best of 3 responses in best_of_n: the model folder `reference`", card, StringComparison.Ordinal);
        Assert.Contains("$0.1 for input from the prompt cache", card, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_card_of_ours_is_written_anew_and_a_text_of_another_s_is_not_touched()
    {
        var outcome = await GenerateAsync();
        var data = outcome.Result.Data.Select(data => (data, (System.Collections.Immutable.ImmutableArray<string>)[DatasetFiles.NameOf(data, DatasetFormat.Jsonl)])).ToArray();
        Directory.CreateDirectory(folder["out"]);
        DatasetCard.Write(tiny.Experiment(), data, folder["out"]);
        DatasetCard.Write(tiny.Experiment(), data, folder["out"]);
        File.WriteAllText(Path.Combine(folder["out"], "README.md"), "mine");
        Assert.Equal(2, Assert.Throws<AgoraException>(() => DatasetCard.Write(tiny.Experiment(), data, folder["out"])).ExitCode);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder["out"], "README.md")));
    }

    [Fact]
    public async Task A_preview_shows_the_prompt_and_a_verdict_for_each_try_and_keeps_nothing()
    {
        var previews = new List<GenerationPreview>();
        await foreach (var preview in tiny.Pipeline.PreviewAsync(tiny.Experiment(), 15, Stop)) previews.Add(preview);
        Assert.Equal(4 * 15, tiny.Models.Requests);
        Assert.False(Directory.Exists(folder["runs"]));
        Assert.All(previews, preview => Assert.Equal(Enumerable.Range(0, 15), preview.Kept.Select(kept => kept.Index).Concat(preview.Rejected.Select(rejected => rejected.Place)).Order()));
        Assert.Contains(previews, preview => preview.Rejected.Any(rejected => rejected.Reason == RejectReason.ResultMissing));
        var responses = previews.Single(preview => preview.Generator == "writer-a" && preview.Setting.Method == GenerationMethod.ResponseGeneration);
        Assert.Equal(("You are a helpful assistant that writes training data.", "Answer this: What is 1 + 2?"), (responses.SystemMessage, responses.Prompt));
    }

    // Where the experiment names no price, the table's is taken, as in a run.
    [Fact]
    public async Task A_preview_knows_the_listed_prices()
    {
        var experiment = tiny.Experiment();
        var listed = experiment.Models["writer-a"] with { Price = null, Provider = ModelSpec.OpenAI, Model = "gpt-4o", Endpoint = "https://api.openai.com/v1" };
        await foreach (var preview in tiny.Pipeline.PreviewAsync(experiment with { Models = experiment.Models.SetItem("writer-a", listed), Generators = ["writer-a"] }, 2, Stop))
            Assert.Equal((2.50m, preview.Bill.Total.Dollars(preview.Bill.Price)), (preview.Bill.Price!.Input, preview.Bill.Dollars));
    }

    [Fact]
    public async Task A_preview_is_what_a_run_would_ask_first()
    {
        var outcome = await GenerateAsync();
        var hashes = outcome.Result.Data.First().Result is var result ? StepFiles.ReadLines<SyntheticInstance>(result, StepFiles.Instances) : [];
        await foreach (var preview in tiny.Pipeline.PreviewAsync(tiny.Experiment(), 1, Stop))
        {
            var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{preview.SystemMessage}\0{preview.Prompt}")));
            var asked = preview.Kept.Select(kept => kept.Provenance.PromptHash).Concat(preview.Rejected.Select(rejected => rejected.PromptHash)).Single();
            Assert.Equal(hash, asked);
            break;
        }
        Assert.NotEmpty(hashes);
    }

    private Task<RunOutcome> GenerateAsync() => tiny.Pipeline.GenerateAsync(tiny.Experiment(), 2, tiny.Observer, Stop);
}
