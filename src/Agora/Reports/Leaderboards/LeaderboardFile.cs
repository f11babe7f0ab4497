using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Reports.Leaderboards;

/// <summary>Leaderboards as files: JSON, or CSV with one row per entry and benchmark. Both hold everything.</summary>
public static class LeaderboardFile
{
    private const int CurrentVersion = 1;
    private const int MostBytes = 256 << 20;

    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        IgnoreReadOnlyProperties = true,
    };

    private static readonly string[] Columns =
    [
        "seal", "experiment_hash", "run", "agora", "generator", "generator_identity", "setting", "meta_prompt", "instances", "data_hash", "dollars", "student", "base_identity", "reference_identity", "recipe_hash",
        "training_seeds", "pgr", "low", "high", "benchmark", "grader", "questions", "items", "unscored", "base", "reference", "trained",
    ];

    /// <summary>Every entry as it stands; nothing is checked but the form.</summary>
    /// <exception cref="AgoraException">The file cannot be read, or is no leaderboard.</exception>
    public static ImmutableArray<LeaderboardEntry> Read(string path)
    {
        if (new FileInfo(path) is not { Exists: true } file)
            throw new AgoraException("there is no such file", path, "correct the path; \"agora leaderboard add\" makes a leaderboard") { ExitCode = 2 };
        if (file.Length > MostBytes)
            throw new AgoraException($"the file has {file.Length} bytes, and at most {MostBytes} are read", path, "split it") { ExitCode = 2 };
        return IsCsv(path) ? ReadCsv(path) : ReadJson(path);
    }

    public static string Render(Leaderboard board, string path) => IsCsv(path) ? Csv(board) : JsonSerializer.Serialize(new Document(CurrentVersion, board.Entries), Format) + "\n";

    private static bool IsCsv(string path) => path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase);

    private static ImmutableArray<LeaderboardEntry> ReadJson(string path)
    {
        try
        {
            var document = JsonSerializer.Deserialize<Document>(File.ReadAllBytes(path), Format) ?? throw new JsonException("the value is null");
            return document.FormatVersion != CurrentVersion ? throw new JsonException($"its format is {document.FormatVersion}, and {CurrentVersion} is read")
                : document.Entries.IsDefault || document.Entries.Any(entry => entry is null || entry.Scores.IsDefault || entry.Scores.Any(score => score is null)) ? throw new JsonException("an entry is incomplete")
                : document.Entries;
        }
        catch (JsonException fault) when (fault.LineNumber is { } line)
        {
            throw new AgoraException($"it is not the JSON of a leaderboard{(fault.Path is { Length: > 1 } where ? $": {where} is not as expected" : "")}", $"{path}:{line + 1}", "give a file that \"agora leaderboard\" wrote", fault) { ExitCode = 2 };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new AgoraException($"the leaderboard cannot be read: {error.Message}", path, "give a file that \"agora leaderboard\" wrote", error) { ExitCode = 2 };
        }
    }

    private static string Csv(Leaderboard board)
    {
        var text = new StringBuilder().AppendJoin(',', Columns).Append("\r\n");
        foreach (var entry in board.Entries)
            foreach (var score in entry.Scores)
                text.AppendJoin(',', ((string[])
                [
                    entry.Seal, entry.ExperimentHash, entry.Run, entry.Agora, entry.Generator, entry.GeneratorIdentity, entry.Setting, entry.MetaPrompt, Number(entry.Instances), entry.DataHash,
                    entry.Dollars?.ToString(CultureInfo.InvariantCulture) ?? "", entry.Student, entry.BaseIdentity, entry.ReferenceIdentity, entry.RecipeHash, Number(entry.TrainingSeeds), Number(entry.Pgr),
                    entry.Low is { } low ? Number(low) : "", entry.High is { } high ? Number(high) : "", score.Benchmark, score.Grader, score.Questions, Number(score.Items), Number(score.Unscored), Number(score.Base), Number(score.Reference), Number(score.Trained),
                ]).Select(CsvTable.Quoted)).Append("\r\n");
        return text.ToString();
    }

    private static ImmutableArray<LeaderboardEntry> ReadCsv(string path)
    {
        var table = CsvTable.Read(path);
        var place = Columns.ToDictionary(name => name, table.Column);
        table.ThrowIfFaulty();
        var entries = new Dictionary<string, LeaderboardEntry>();
        var order = new List<string>();
        foreach (var row in table.Rows)
        {
            string Text(string column) => row.Cells[place[column]];
            double Value(string column) => table.Number(row, place[column]) ?? 0;
            double? Optional(string column) => Text(column).Length == 0 ? null : table.Number(row, place[column]);
            int Whole(string column)
            {
                if (int.TryParse(Text(column), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number))
                    return number;
                table.Fault(row, $"\"{column}\" must be a whole number, got \"{Text(column)}\"");
                return 0;
            }
            var score = new LeaderboardScore(Text("benchmark"), Text("grader"), Text("questions"), Whole("items"), Whole("unscored"), Value("base"), Value("reference"), Value("trained"));
            var entry = new LeaderboardEntry
            {
                Seal = Text("seal"),
                ExperimentHash = Text("experiment_hash"),
                Run = Text("run"),
                Agora = Text("agora"),
                Generator = Text("generator"),
                GeneratorIdentity = Text("generator_identity"),
                Setting = Text("setting"),
                MetaPrompt = Text("meta_prompt"),
                Instances = Whole("instances"),
                DataHash = Text("data_hash"),
                Dollars = Optional("dollars") is not null && decimal.TryParse(Text("dollars"), NumberStyles.Float, CultureInfo.InvariantCulture, out var dollars) ? dollars : null,
                Student = Text("student"),
                BaseIdentity = Text("base_identity"),
                ReferenceIdentity = Text("reference_identity"),
                RecipeHash = Text("recipe_hash"),
                TrainingSeeds = Whole("training_seeds"),
                Pgr = Value("pgr"),
                Low = Optional("low"),
                High = Optional("high"),
                Scores = [score],
            };
            // Rows of one entry differ in the benchmark alone; a row whose other cells were changed becomes an entry that its seal refuses.
            var key = string.Join('\n', entry.Seal, entry with { Scores = [] });
            if (entries.TryGetValue(key, out var known))
                entries[key] = known with { Scores = known.Scores.Add(score) };
            else
            {
                entries.Add(key, entry);
                order.Add(key);
            }
        }
        table.ThrowIfFaulty();
        return [.. order.Select(key => entries[key])];
    }

    private static string Number(double value) => LeaderboardEntry.Number(value);

    private sealed record Document(int FormatVersion, ImmutableArray<LeaderboardEntry> Entries);
}
