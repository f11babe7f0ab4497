using System.Collections.Immutable;
using System.Text.Json;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.SeedData;
using Agora.SeedData.Catalogue;
using Agora.Tests.Hub;
using Agora.Tests.SeedData.Hub;
using Parquet.Serialization;

namespace Agora.Tests.SeedData;

/// <summary>Names of data become files, through a hub on loopback.</summary>
public sealed class DataFilesTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_path_stays_a_path() => Assert.Equal("/data/x.jsonl", await new DataFiles(null!, "/nowhere").LocateAsync("/data/x.jsonl", Stop));

    [Fact]
    public async Task An_entry_becomes_a_file_that_the_benchmark_reads()
    {
        await using var disk = await HubOnDisk.StartAsync(await Gsm8kAsync("test", 1319));
        var file = await disk.Files().LocateAsync("catalogue:gsm8k", Stop);
        var benchmark = BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "gsm8k", File = file }, disk.Data);
        Assert.Equal(1319, benchmark.Items.Length);
        Assert.True(disk.Files().IsHere(DataCatalogue.Find("gsm8k")));
    }

    [Fact]
    public async Task What_was_prepared_once_is_not_fetched_again_and_works_offline()
    {
        await using var disk = await HubOnDisk.StartAsync(await Gsm8kAsync("test", 1319));
        var file = await disk.Files().LocateAsync("catalogue:gsm8k", Stop);
        var asked = disk.Server.Requests.Count;
        Assert.Equal(file, await disk.Files(offline: true).LocateAsync("catalogue:gsm8k", Stop));
        Assert.Equal(file, await disk.Files().LocateAsync("catalogue:gsm8k", Stop));
        Assert.Equal(asked, disk.Server.Requests.Count);
    }

    [Fact]
    public async Task The_hubs_own_conversion_is_taken_where_the_dataset_has_no_such_file()
    {
        var dataset = await Gsm8kAsync("test", 1319);
        var converted = new HubDataset { Repository = dataset.Repository, Files = { ["README.md"] = new HubContent("x") }, Converted = { ["main/test/0000.parquet"] = dataset.Files.Values.Single() } };
        await using var disk = await HubOnDisk.StartAsync(converted);
        Assert.Equal(1319, (await disk.Files().PullAsync("gsm8k", cancellationToken: Stop)).Rows);
    }

    [Fact]
    public async Task A_dataset_that_lost_its_file_or_rows_says_so()
    {
        await using var without = await HubOnDisk.StartAsync(new HubDataset { Repository = "openai/gsm8k", Files = { ["README.md"] = new HubContent("x") } });
        await Assert.ThrowsAsync<AgoraException>(() => without.Files().PullAsync("gsm8k", cancellationToken: Stop));
        await using var fewer = await HubOnDisk.StartAsync(await Gsm8kAsync("test", 1318));
        Assert.Contains("1318 rows instead of 1319", (await Assert.ThrowsAsync<AgoraException>(() => fewer.Files().PullAsync("gsm8k", cancellationToken: Stop))).What, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(fewer.Data, "*.jsonl"));
    }

    [Fact]
    public async Task Parquet_with_other_columns_names_those_that_there_are()
    {
        var file = await ParquetAsync(Enumerable.Range(0, 5).Select(i => new Other { Query = $"q{i}", Reply = "r" }));
        await using var disk = await HubOnDisk.StartAsync(new HubDataset { Repository = "openai/gsm8k", Files = { ["main/test-0.parquet"] = file } });
        var fault = await Assert.ThrowsAsync<AgoraException>(() => disk.Files().PullAsync("gsm8k", cancellationToken: Stop));
        Assert.Contains("it has no \"question\"; its columns are Query, Reply", fault.Message, StringComparison.Ordinal);
        Assert.Contains("main/test-0.parquet:1-5", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Math_names_no_copy_says_why_and_takes_the_users()
    {
        await using var disk = await HubOnDisk.StartAsync();
        var fault = await Assert.ThrowsAsync<AgoraException>(() => disk.Files().PullAsync("math", cancellationToken: Stop));
        Assert.Contains("withdrawn after a notice", fault.What, StringComparison.Ordinal);
        Assert.Contains("--from", fault.Fix, StringComparison.Ordinal);
        Assert.Equal(2, fault.ExitCode);
        Directory.CreateDirectory(disk.Data);
        await File.WriteAllTextAsync(disk["mine.jsonl"], """{"problem": "1+1", "solution": "\\boxed{2}"}""", Stop);
        var pulled = await disk.Files().PullAsync("math", from: disk["mine.jsonl"], cancellationToken: Stop);
        Assert.Equal((1, pulled.Path), (pulled.Rows!.Value, await disk.Files().LocateAsync("catalogue:math", Stop)));
        await File.AppendAllTextAsync(disk["mine.jsonl"], "\n" + """{"problem": "1+2", "solution": "\\boxed{3}"}""", Stop);
        Assert.Equal(2, (await disk.Files().PullAsync("math", cancellationToken: Stop)).Rows);
    }

    [Fact]
    public async Task Math_may_also_be_an_address_and_its_seeds_stand_beside_those_of_gsm8k()
    {
        var math = new HubContent("""
            {"problem": "p", "level": "Level 1", "solution": "so \\boxed{\\frac{1}{2}}."}
            {"problem": "two boxes", "level": "Level 1", "solution": "\\boxed{1} \\boxed{2}"}
            {"problem": "no level", "level": "Level ?", "solution": "\\boxed{1}"}
            """);
        await using var disk = await HubOnDisk.StartAsync(await Gsm8kAsync("train", 3), new HubDataset { Repository = "me/math", Files = { ["train.jsonl"] = math } });
        var pulled = await disk.Files().PullAsync("math/instance_generation", from: "hf://datasets/me/math/train.jsonl", cancellationToken: Stop);
        var set = SeedSet.Load(new DataSource { File = pulled.Path }, requireResponse: true);
        Assert.Equal(["question 0", "question 1", "question 2", "p"], set.Instances.Select(seed => seed.Instruction));
        Assert.Equal("because\n[RESULT] 0 [/RESULT]", set.Instances[0].Response);
        Assert.Equal("so \\boxed{\\frac{1}{2}}.\n[RESULT] \\frac{1}{2} [/RESULT]", set.Instances[^1].Response);
    }

    [Fact]
    public async Task A_branch_keeps_the_commit_of_its_first_pull_until_an_update_is_asked_for()
    {
        var dataset = new HubDataset { Repository = "o/n", Files = { ["a.jsonl"] = new HubContent("{\"a\": 1}\n") } };
        await using var disk = await HubOnDisk.StartAsync(dataset);
        const string Source = "hf://datasets/o/n/a.jsonl";
        var first = await disk.Files().LocateAsync(Source, Stop);
        Assert.Equal(dataset.Commit, await File.ReadAllTextAsync(Path.Combine(disk.Cache, "datasets--o--n", "refs", "main"), Stop));
        dataset.Commit = new string('b', 40);
        dataset.Files["a.jsonl"] = new HubContent("{\"a\": 2}\n");
        Assert.Equal(first, await disk.Files().LocateAsync(Source, Stop));
        var updated = await disk.Files().PullAsync(Source, update: true, cancellationToken: Stop);
        Assert.Equal("{\"a\": 2}\n", await File.ReadAllTextAsync(updated.Path, Stop));
    }

    [Fact]
    public async Task Verify_finds_the_file_that_changed()
    {
        var dataset = new HubDataset { Repository = "o/n", Files = { ["a.jsonl"] = new HubContent("{\"a\": 1}\n"), ["b.jsonl"] = new HubContent("{\"a\": 2}\n") } };
        await using var disk = await HubOnDisk.StartAsync(dataset, new HubDataset { Repository = "o/other", Files = { ["c.jsonl"] = new HubContent("{}\n") } });
        Assert.Empty(disk.Files().Verify(null));
        var a = await disk.Files().LocateAsync("hf://datasets/o/n/a.jsonl", Stop);
        var b = await disk.Files().LocateAsync("hf://datasets/o/n/b.jsonl", Stop);
        await disk.Files().LocateAsync("hf://datasets/o/other/c.jsonl", Stop);
        Assert.All(disk.Files().Verify(null), file => Assert.Null(file.Fault));
        await File.WriteAllTextAsync(a, "{\"a\": 3}\n", Stop);
        File.Delete(b);
        Assert.Equal([true, true, false], disk.Files().Verify(null).Select(file => file.Fault is not null));
        Assert.Equal(2, disk.Files().Verify("hf://datasets/o/n").Count);
    }

    [Fact]
    public async Task A_file_that_differs_from_its_recorded_checksum_is_not_used()
    {
        await using var disk = await HubOnDisk.StartAsync(new HubDataset { Repository = "o/n", Files = { ["a.jsonl"] = new HubContent("{\"a\": 1}\n") } });
        const string Source = "hf://datasets/o/n/a.jsonl";
        await disk.Files().LocateAsync(Source, Stop);
        var record = Path.Combine(disk.Data, "data.lock.json");
        var text = await File.ReadAllTextAsync(record, Stop);
        await File.WriteAllTextAsync(record, text.Replace(new HubContent("{\"a\": 1}\n").Sha256, new string('0', 64), StringComparison.Ordinal), Stop);
        Assert.Contains("differs from the one that was pulled first", (await Assert.ThrowsAsync<AgoraException>(() => disk.Files().LocateAsync(Source, Stop))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_whose_checksum_the_catalogue_knows_must_have_it()
    {
        var rows = new HubContent(JsonSerializer.Serialize(Enumerable.Range(0, 805).Select(i => new { instruction = $"i{i}", output = "o" })));
        await using var disk = await HubOnDisk.StartAsync(new HubDataset
        {
            Repository = "tatsu-lab/alpaca_eval",
            Files = { ["alpaca_eval_gpt4_baseline.json"] = rows, ["df_gamed.csv"] = new HubContent("forged"), ["instruction_difficulty.csv"] = new HubContent("forged") },
        });
        Assert.Contains("not the one that the catalogue knows", (await Assert.ThrowsAsync<AgoraException>(() => disk.Files().PullAsync("alpaca_eval", cancellationToken: Stop))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Questions_of_arena_hard_find_the_baselines_answers()
    {
        var questions = string.Join('\n', Enumerable.Range(0, 500).Select(i => JsonSerializer.Serialize(new { uid = $"u{i}", prompt = $"p{i}" })));
        var answers = string.Join('\n', Enumerable.Range(0, 500).Select(i => JsonSerializer.Serialize(new { uid = $"u{499 - i}", messages = new object[] { new { role = "user", content = "p" }, new { role = "assistant", content = new { answer = $"a{499 - i}" } } } })));
        await using var disk = await HubOnDisk.StartAsync(new HubDataset
        {
            Repository = "lmarena-ai/arena-hard-auto",
            Files = { ["data/arena-hard-v0.1/question.jsonl"] = new HubContent(questions), ["data/arena-hard-v0.1/model_answer/gpt-4-0314.jsonl"] = new HubContent(answers) },
        });
        var file = await disk.Files().LocateAsync("catalogue:arena_hard", Stop);
        Assert.Equal("""{"question_id":"u0","prompt":"p0","baseline":"a0"}""", File.ReadLines(file).First());
        Assert.Equal(500, BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "arena_hard", File = file }, disk.Data).Items.Length);
    }

    [Fact]
    public async Task Lists_of_parquet_become_lists_of_rows()
    {
        var file = await ParquetAsync(Enumerable.Range(11, 500).Select(i => new Task974 { task_id = i, text = "t", code = "def f(): return 1", test_list = ["assert f() == 1", "assert f() != 2"], test_setup_code = "" }));
        await using var disk = await HubOnDisk.StartAsync(new HubDataset { Repository = "google-research-datasets/mbpp", Files = { ["full/test-0.parquet"] = file } });
        var rows = await disk.Files().LocateAsync("catalogue:mbpp", Stop);
        using var row = JsonDocument.Parse(File.ReadLines(rows).First());
        Assert.Equal((11, "assert f() != 2"), (row.RootElement.GetProperty("task_id").GetInt32(), row.RootElement.GetProperty("test_list")[1].GetString()));
    }

    [Fact]
    public async Task A_pattern_joins_the_files_of_one_commit()
    {
        await using var disk = await HubOnDisk.StartAsync(new HubDataset
        {
            Repository = "o/n",
            Files = { ["d/2.jsonl"] = new HubContent("{\"a\": 2}\n"), ["d/1.jsonl"] = new HubContent("{\"a\": 1}"), ["e/3.jsonl"] = new HubContent("{\"a\": 3}\n") },
        });
        Assert.Equal(["{\"a\":1}", "{\"a\":2}"], File.ReadLines(await disk.Files().LocateAsync("hf://datasets/o/n/d/*.jsonl", Stop)));
        Assert.Contains("no such file", (await Assert.ThrowsAsync<AgoraException>(() => disk.Files().LocateAsync("hf://datasets/o/n/x/*.jsonl", Stop))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_shards_that_a_limit_needs_are_fetched()
    {
        var shard = await ParquetAsync(Enumerable.Range(0, 10_000).Select(i => new Web { orig_question = $"q{i}", orig_answer = "a", source = "mathstackexchange" }));
        await using var disk = await HubOnDisk.StartAsync(new HubDataset { Repository = "TIGER-Lab/WebInstructSub", Files = { ["data/train-0.parquet"] = shard, ["data/train-1.parquet"] = shard } });
        Assert.Equal(10_000, (await disk.Files().PullAsync("math/quality_enhancement", cancellationToken: Stop)).Rows);
        Assert.DoesNotContain(disk.Server.Requests, request => request.Path.Contains("train-1.parquet", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_experiment_gets_its_data_and_nothing_that_it_does_not_use()
    {
        await using var disk = await HubOnDisk.StartAsync(await Gsm8kAsync("test", 1319), new HubDataset { Repository = "o/n", Files = { ["a.jsonl"] = new HubContent("{}\n") } });
        var setting = Setting.All[0];
        var experiment = new Experiment
        {
            Name = "x",
            Models = ImmutableSortedDictionary<string, ModelSpec>.Empty,
            Students = [],
            Settings = [setting],
            SeedData = ImmutableSortedDictionary<Setting, DataSource>.Empty
                .Add(setting, new DataSource { File = "hf://datasets/o/n/a.jsonl" }).Add(Setting.All[^1], new DataSource { File = "catalogue:math/instance_generation" }),
            Benchmarks = ImmutableSortedDictionary<Domain, ImmutableArray<BenchmarkSpec>>.Empty
                .Add(setting.Domain, [new BenchmarkSpec { Name = "gsm8k", File = "catalogue:gsm8k" }, new BenchmarkSpec { Name = "math", File = "/my/math.jsonl" }]),
        };
        Assert.True(DataFiles.Names(experiment));
        var here = await disk.Files().LocateAsync(experiment, Stop);
        Assert.True(File.Exists(here.SeedData[setting].File));
        Assert.True(File.Exists(here.Benchmarks[setting.Domain][0].File));
        Assert.Equal(("/my/math.jsonl", "catalogue:math/instance_generation"), (here.Benchmarks[setting.Domain][1].File, here.SeedData[Setting.All[^1]].File));
    }

    [Fact]
    public void The_catalogue_has_every_setting_and_every_benchmark_of_the_paper()
    {
        Assert.Equal(Setting.All.Select(setting => setting.ToString()).Order(StringComparer.Ordinal), Names(CatalogueKind.Seeds));
        Assert.Equal(BenchmarkNames.Domains.Keys.Where(name => !name.StartsWith("nano", StringComparison.Ordinal)).Order(StringComparer.Ordinal), Names(CatalogueKind.Benchmark));

        static IEnumerable<string> Names(CatalogueKind kind) => DataCatalogue.Entries.Where(entry => entry.Kind == kind).Select(entry => entry.Name).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void A_name_that_is_nearly_right_is_suggested() =>
        Assert.Contains("gsm8k", Assert.Throws<AgoraException>(() => DataCatalogue.Find("gsm8")).What, StringComparison.Ordinal);

    private static async Task<HubDataset> Gsm8kAsync(string split, int rows) => new()
    {
        Repository = "openai/gsm8k",
        Files = { [$"main/{split}-00000-of-00001.parquet"] = await ParquetAsync(Enumerable.Range(0, rows).Select(i => new Gsm { question = $"question {i}", answer = $"because\n#### {i}" })) },
    };

    private static async Task<HubContent> ParquetAsync<T>(IEnumerable<T> rows)
    {
        using var stream = new MemoryStream();
        await ParquetSerializer.SerializeAsync(rows, stream, cancellationToken: Stop);
        return new HubContent(stream.ToArray(), isLarge: true);
    }

    // Columns are named as the datasets name theirs.
#pragma warning disable IDE1006
    public sealed class Gsm { public string question { get; set; } = ""; public string answer { get; set; } = ""; }
    public sealed class Other { public string Query { get; set; } = ""; public string Reply { get; set; } = ""; }
    public sealed class Web { public string orig_question { get; set; } = ""; public string orig_answer { get; set; } = ""; public string source { get; set; } = ""; }
    public sealed class Task974
    {
        public int task_id { get; set; }
        public string text { get; set; } = "";
        public string code { get; set; } = "";
        public List<string> test_list { get; set; } = [];
        public string test_setup_code { get; set; } = "";
    }
#pragma warning restore IDE1006
}
