using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.SeedData;
using Agora.Tests.Runs;

namespace Agora.Tests.SeedData;

public sealed class SeedSetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_seed_is_named_after_its_file_and_line() =>
        Assert.Equal(["seeds.jsonl:1", "seeds.jsonl:3"], Load("""
            {"instruction": "i", "response": "r"}

            {"instruction": "j", "response": "s"}
            """).Instances.Select(seed => seed.Id.Value));

    [Fact]
    public void All_bad_rows_are_listed_at_once_with_their_lines()
    {
        var fault = Assert.Throws<AgoraException>(() => Load("""
            {"instruction": "i"}
            {"instruction": "i", "response": "r"}
            {"response": "r"}
            {"instruction": "i"}
            {"instruction": "i", "response": ""}
            {"instruction": "i"}
            """));
        Assert.Equal($"""
            5 rows are bad, 1 good
              at:  {folder["seeds.jsonl"]}:1,4,6  it has no "response"
                   {folder["seeds.jsonl"]}:3  it has no "instruction"
                   {folder["seeds.jsonl"]}:5  "response" is empty
              fix: mend or delete these rows, or map other columns
            """, fault.Message);
        Assert.Equal(2, fault.ExitCode);
    }

    [Fact]
    public void Responses_are_optional_where_the_method_needs_none() =>
        Assert.Null(Load("{\"instruction\": \"i\"}", requireResponse: false).Instances.Single().Response);

    [Fact]
    public void Columns_go_by_the_names_that_the_experiment_gives() =>
        Assert.Equal(("q", "a"), Load("{\"question\": \"q\", \"answer\": \"a\"}", source => source with { InstructionColumn = "question", ResponseColumn = "answer" })
            .Instances.Select(seed => (seed.Instruction, seed.Response!)).Single());

    // What lies beyond the limit is not looked at, bad or good.
    [Fact]
    public void A_limit_takes_rows_from_the_start() =>
        Assert.Equal("1", Load("{\"instruction\": \"1\", \"response\": \"r\"}\nbad", source => source with { Limit = 1 }).Instances.Single().Instruction);

    [Fact]
    public void A_file_without_rows_is_refused() =>
        Assert.Contains("has no rows", Assert.Throws<AgoraException>(() => Load("\n\n")).What, StringComparison.Ordinal);

    [Fact]
    public void Published_seed_files_are_read_as_they_are()
    {
        foreach (var file in Directory.EnumerateFiles(Fixtures.Part("seeds"), "*.json"))
            Assert.Equal(20, SeedSet.Load(new DataSource { File = file }, requireResponse: true).Instances.Count);
    }

    [Fact]
    public void Training_data_of_a_public_benchmark_are_seeds_by_column_mapping()
    {
        var source = new DataSource { File = Fixtures.Part("benchmarks", "gsm8k_train_2000.jsonl.gz"), InstructionColumn = "question", ResponseColumn = "answer" };
        Assert.Equal(2000, SeedSet.Load(source, requireResponse: true).Instances.Count);
    }

    [Theory]
    [InlineData(".jsonl")]
    [InlineData(".jsonl.gz")]
    [InlineData(".json")]
    public void Rows_that_are_read_from_the_disk_are_those_that_memory_would_hold(string kind)
    {
        string[] rows = [.. Enumerable.Range(0, 3000).Select(i => JsonSerializer.Serialize(new { instruction = $"täglich {i} {new string('ß', i % 97)}", response = i % 7 == 3 ? null : $"{i}\n😀" }))];
        var file = folder["many" + kind];
        using (Stream written = File.Create(file), packed = kind == ".jsonl.gz" ? new GZipStream(written, CompressionMode.Compress) : written)
            packed.Write(Encoding.UTF8.GetBytes(kind == ".json" ? $"[{string.Join(",\n", rows)}]" : string.Join("\n", rows)));
        var (held, read) = (SeedSet.Load(new DataSource { File = file }, requireResponse: false), SeedSet.Load(new DataSource { File = file }, requireResponse: false, mostInMemory: 1000));
        Assert.Equal(held.Instances, read.Instances);
        Assert.Equal(held.Instances[2999], read.Instances[2999]);
        Assert.Equal((held.FirstWithoutResponse, 3000), (read.FirstWithoutResponse, read.Instances.Count));
        var (fewHeld, fewRead) = (held.Where((row, seed) => row % 3 != 0 && seed.Response is not null), read.Where((row, seed) => row % 3 != 0 && seed.Response is not null));
        Assert.Equal(fewHeld.Instances, fewRead.Instances);
        Assert.Equal((null, null), (fewHeld.FirstWithoutResponse, fewRead.FirstWithoutResponse));
        Assert.Equal(fewHeld.Where((row, _) => row > 9).Instances, fewRead.Where((row, _) => row > 9).Instances);
    }

    // The file may be edited, or removed, while a run goes on.
    [Fact]
    public void What_was_read_stays_what_it_was_and_leaves_no_file_behind()
    {
        var before = Directory.GetFiles(Path.GetTempPath(), "agora-seeds-*");
        File.WriteAllLines(folder["seeds.jsonl"], Enumerable.Range(0, 50).Select(i => $$"""{"instruction": "{{i}}", "response": "r"}"""));
        var seeds = SeedSet.Load(new DataSource { File = folder["seeds.jsonl"] }, requireResponse: true, mostInMemory: 10);
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), "agora-seeds-*").Except(before));
        File.WriteAllText(folder["seeds.jsonl"], "gone");
        Assert.Equal("49", seeds.Instances[49].Instruction);
    }

    private SeedSet Load(string text, Func<DataSource, DataSource>? change = null, bool requireResponse = true)
    {
        File.WriteAllText(folder["seeds.jsonl"], text);
        var source = new DataSource { File = folder["seeds.jsonl"] };
        return SeedSet.Load(change is null ? source : change(source), requireResponse);
    }
}
