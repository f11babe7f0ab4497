using Agora.Benchmarks;
using Agora.Experiments;
using Parquet.Serialization;

namespace Agora.Tests.Benchmarks;

public sealed class BenchmarkFileTests
{
    [Fact]
    public async Task A_parquet_file_asks_what_the_same_rows_as_text_ask()
    {
        using var file = new BenchmarkFileOnDisk("test.parquet");
        await using (var stream = File.Create(file.Path))
            await ParquetSerializer.SerializeAsync(Enumerable.Range(1, 5).Select(i => new Problem { task_id = i + 10, text = $"Return {i}.", code = $"def f(): return {i}", test_list = [$"assert f() == {i}"] }), stream, cancellationToken: TestContext.Current.CancellationToken);
        using var text = new BenchmarkFileOnDisk("test.jsonl",
            [.. Enumerable.Range(1, 5).Select(i => $$"""{"task_id": {{i + 10}}, "text": "Return {{i}}.", "code": "def f(): return {{i}}", "test_list": ["assert f() == {{i}}"]}""")]);
        Assert.Equal(text.Open("mbpp").Items, file.Open("mbpp").Items);
        Assert.Equal(2, file.Open("mbpp", limit: 2).Items.Length);
        var refusal = Assert.Throws<AgoraException>(() => file.Open("gsm8k"));
        Assert.Contains("test.parquet:1", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, refusal.ExitCode);
        await File.WriteAllBytesAsync(file.Path, (await File.ReadAllBytesAsync(file.Path, TestContext.Current.CancellationToken))[..200], TestContext.Current.CancellationToken);
        var damaged = Assert.Throws<AgoraException>(() => file.Open("mbpp"));
        Assert.Contains("cannot be read", damaged.Message, StringComparison.Ordinal);
        Assert.Equal(2, damaged.ExitCode);
    }

    public sealed class Problem
    {
#pragma warning disable IDE1006 // as the column is called
        public int task_id { get; set; }
        public string text { get; set; } = "";
        public string code { get; set; } = "";
        public List<string> test_list { get; set; } = [];
#pragma warning restore IDE1006
    }

    [Fact]
    public void Every_bad_line_is_listed_with_its_number()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl",
            """{"id": "a", "question": "1+1?", "answer": "2"}""",
            """{"id": "a", "question": "1+2?", "answer": "3"}""",
            """{"question": "1+3?", "answer": "4"}""",
            "",
            """{"id": "d", "question": " ", "answer": "many"}""",
            """{"id": "e", "question": "1+4?", """,
            "[1]",
            """{"id": "g", "question": 7, "answer": "\ud800"}""");
        var refusal = file.Refusal("nano_math");
        Assert.Contains("items.jsonl:2  id \"a\" is already that of line 1", refusal);
        Assert.Contains("items.jsonl:3  no \"id\"", refusal);
        Assert.Contains("items.jsonl:5  \"question\" is empty", refusal);
        Assert.Contains("items.jsonl:5  \"answer\" holds no number", refusal);
        Assert.Contains("items.jsonl:6  not JSON", refusal);
        Assert.Contains("items.jsonl:7  a row must be a JSON object, not an array", refusal);
        Assert.Contains("items.jsonl:8  \"question\" must be text, not a number", refusal);
        Assert.Contains("items.jsonl:8  \"answer\" holds an unpaired surrogate", refusal);
    }

    [Fact]
    public void Packed_plain_and_array_files_give_the_same_items()
    {
        string[] rows = ["""{"id": "a", "question": "1+1?", "answer": "2"}""", """{"id": "b", "question": "1+2?", "answer": "3"}"""];
        using var plain = new BenchmarkFileOnDisk("items.jsonl", rows);
        using var packed = new BenchmarkFileOnDisk("items.jsonl.gz", rows);
        using var array = new BenchmarkFileOnDisk("items.json", $"[{string.Join(",\n", rows)}]");
        Assert.Equal(plain.Open("nano_math").Items, packed.Open("nano_math").Items);
        Assert.Equal(plain.Open("nano_math").Items, array.Open("nano_math").Items);
        Assert.Equal(plain.Open("nano_math").GraderVersion, packed.Open("nano_math").GraderVersion);
    }

    [Fact]
    public void A_fault_in_an_array_is_reported_at_the_line_of_its_row()
    {
        using var array = new BenchmarkFileOnDisk("items.json", "[", """ {"id": "a", "question": "1+1?", "answer": "2"},""", """ {"id": "b", "answer": "2"}""", "]");
        Assert.Contains("items.json:3  no \"question\"", array.Refusal("nano_math"));
    }

    [Fact]
    public void A_limit_takes_items_from_the_start()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", [.. Enumerable.Range(1, 9).Select(i => $$"""{"id": "{{i}}", "question": "{{i}}?", "answer": "{{i}}"}""")]);
        Assert.Equal(["1", "2", "3"], file.Open("nano_math", limit: 3).Items.Select(i => i.Id));
    }

    // What a file holds beyond the rows that are asked for only passes by, for its hash.
    [Theory]
    [InlineData("items.jsonl")]
    [InlineData("items.jsonl.gz")]
    public void A_limit_holds_no_more_of_a_large_file_than_its_rows(string name)
    {
        var lines = Enumerable.Range(1, 100_000).Select(i => $$"""{"id": "{{i}}", "question": "{{i}}? {{new string('x', 80)}}", "answer": "{{i}}"}""").ToArray();
        using var file = new BenchmarkFileOnDisk(name, lines);
        file.Open("nano_math", limit: 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        file.Open("nano_math", limit: 1);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 1 << 20);
    }

    [Fact]
    public void Other_references_under_the_same_questions_are_another_grader()
    {
        using var one = new BenchmarkFileOnDisk("items.jsonl", """{"id": "a", "question": "1+1?", "answer": "2"}""");
        using var other = new BenchmarkFileOnDisk("items.jsonl", """{"id": "a", "question": "1+1?", "answer": "3"}""");
        Assert.NotEqual(one.Open("nano_math").GraderVersion, other.Open("nano_math").GraderVersion);
    }

    [Fact]
    public void A_torn_gzip_file_is_refused()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", "this is no gzip");
        var folder = Directory.CreateTempSubdirectory("agora-benchmark-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "items.jsonl.gz"), "this is no gzip");
            var refusal = Assert.Throws<AgoraException>(() => BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "gsm8k", File = "items.jsonl.gz" }, folder));
            Assert.Contains("gzip", refusal.What);
            Assert.Equal(2, refusal.ExitCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // .NET takes the end of half a gzip file for the end of its data: cut between two lines, it would be a shorter benchmark.
    [Fact]
    public void Half_a_gzip_file_is_not_a_shorter_benchmark()
    {
        using var whole = new BenchmarkFileOnDisk("items.jsonl.gz", [.. Enumerable.Range(1, 2000).Select(i => $$"""{"id": "{{i}}", "question": "{{i * 7919}} + {{i * 104729}}?", "answer": "{{i * 112648}}"}""")]);
        Assert.Equal(2000, whole.Open("nano_math").Items.Length);
        var bytes = File.ReadAllBytes(whole.Path);
        foreach (var length in (int[])[bytes.Length / 2, bytes.Length - 9, bytes.Length - 1])
        {
            File.WriteAllBytes(whole.Path, bytes[..length]);
            Assert.Contains("no complete gzip file", whole.Refusal("nano_math"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_question_asked_twice_in_a_file_without_ids_is_refused()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", """{"question": "1+1?", "answer": "#### 2"}""", """{"question": "1+2?", "answer": "#### 3"}""", """{"question": "1+1?", "answer": "#### 2"}""");
        Assert.Contains("items.jsonl:3  the question is already that of line 1", file.Refusal("gsm8k"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named_in_full() =>
        Assert.Contains("/nowhere/items.jsonl", Assert.Throws<AgoraException>(() =>
            BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "gsm8k", File = "items.jsonl" }, "/nowhere")).Where);

    [Fact]
    public void An_unknown_benchmark_lists_the_known_ones() =>
        Assert.Contains("nano_math", Assert.Throws<AgoraException>(() =>
            BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "gsm9k", File = "items.jsonl" }, ".")).Fix);

    [Fact]
    public void An_empty_file_is_refused()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl");
        Assert.Contains("holds no rows", file.Refusal("nano_math"));
    }
}
