using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis.Published;

/// <summary>Reads a folder of published tables, with every fault of a file at once.</summary>
internal sealed class PublishedTablesReader(string folder)
{
    private readonly List<string> remarks = [];
    private readonly Dictionary<string, double> halfWidths = [];

    public PublishedTables Read()
    {
        if (!Directory.Exists(folder))
            throw new AgoraException("there is no such folder", folder, $"name the folder that holds {PublishedTables.PgrFile} and the other tables") { ExitCode = 2 };
        if (!File.Exists(PathOf(PublishedTables.PgrFile)))
            throw new AgoraException($"the folder has no {PublishedTables.PgrFile}", folder, "put the table of PGRs there: generator,method,domain,pgr_percent") { ExitCode = 2 };
        var pgr = ReadCells(PublishedTables.PgrFile, ["generator", "method", "domain"], "pgr_percent");
        var solving = ReadByGenerator(PublishedTables.ProblemSolvingFile, [.. PublishedTables.BenchmarkColumns.Keys, "average"], "problem-solving ability");
        var costs = ReadByGenerator(PublishedTables.CostFile, ["input_usd_per_mtok", "output_usd_per_mtok", "problem_solving_avg", "data_generation_avg_pgr_percent"], "cost");
        var intrinsic = ReadCells(PublishedTables.IntrinsicFile, ["metric", "generator", "method", "domain"], "value", "components of the intrinsic profile");
        var prompts = ReadCells(PublishedTables.MetaPromptsFile, ["generator", "method", "meta_prompt", "domain"], "pgr_percent", "the comparison of meta-prompts");

        string[] generators = [.. pgr.Select(row => row.Names["generator"]).Distinct()];
        foreach (var unknown in intrinsic.Select(row => row.Names["generator"]).Concat(solving.Keys).Concat(costs.Keys).Distinct().Except(generators))
            remarks.Add($"{unknown} has no row in {PublishedTables.PgrFile}; its figures in other tables are not used");
        var values = intrinsic.Where(row => row.Value is not null).ToLookup(row => (row.Names["generator"], row.Setting), row => (row.Names["metric"], row.Value!.Value));
        foreach (var row in intrinsic.Where(row => row.Value is not null))
            Note(row.Names["metric"], row.Value!);
        foreach (var row in pgr.Where(row => row.Value is not null))
            Note(PgrName, row.Value!);
        foreach (var value in solving.Values.SelectMany(row => row).Where(entry => entry.Key != "average"))
            Note(FeatureTable.ProblemSolving, value.Value);
        foreach (var expected in from generator in generators from setting in Setting.All where !pgr.Any(row => row.Names["generator"] == generator && row.Setting == setting) select $"{generator} {setting}")
            remarks.Add($"{PublishedTables.PgrFile} has no row for {expected}");

        return new PublishedTables
        {
            Folder = folder,
            Study = new Study
            {
                Source = "the published tables (arXiv:2412.03679)",
                Cells =
                [
                    .. pgr.Select(row => new StudyCell
                    {
                        Generator = row.Names["generator"],
                        Setting = row.Setting,
                        Pgr = row.Value?.Value,
                        Metrics = values[(row.Names["generator"], row.Setting)].ToImmutableSortedDictionary(entry => entry.Item1, entry => entry.Item2),
                    }),
                ],
                Metrics = [.. intrinsic.Select(row => row.Names["metric"]).Distinct()],
                Generators = [.. generators.Select(name => Generator(name, solving, costs))],
                MetaPrompts = [.. prompts.Select(row => new MetaPromptCell(row.Names["generator"], row.Setting, row.Names["meta_prompt"], row.Value?.Value))],
            },
            ProblemSolving = solving,
            Costs = costs,
            Loadings = ReadLoadings(),
            Settings = ReadSettings(),
            RoundingHalfWidths = halfWidths.ToImmutableDictionary(),
            Remarks = [.. remarks],
        };
    }

    internal const string PgrName = "pgr_percent";

    private static StudyGenerator Generator(
        string name, ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>> solving, ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>> costs)
    {
        var scores = solving.GetValueOrDefault(name, ImmutableDictionary<string, PrintedValue>.Empty);
        var known = PublishedTables.BenchmarkColumns.Where(column => scores.ContainsKey(column.Key)).ToArray();
        var prices = costs.GetValueOrDefault(name, ImmutableDictionary<string, PrintedValue>.Empty);
        return new StudyGenerator
        {
            Name = name,
            // A mean over fewer benchmarks than the others' would be another quantity.
            ProblemSolving = known.GroupBy(column => column.Value)
                .Where(domain => domain.Count() == PublishedTables.BenchmarkColumns.Count(column => column.Value == domain.Key))
                .ToImmutableSortedDictionary(domain => domain.Key, domain => domain.Average(column => scores[column.Key].Value)),
            ProblemSolvingAverage = known.Length == PublishedTables.BenchmarkColumns.Count ? known.Average(column => scores[column.Key].Value) : null,
            InputPrice = prices.GetValueOrDefault("input_usd_per_mtok")?.Value,
            OutputPrice = prices.GetValueOrDefault("output_usd_per_mtok")?.Value,
        };
    }

    private List<Row> ReadCells(string file, string[] names, string value, string? use = null)
    {
        if (Open(file, use) is not { } table)
            return [];
        var columns = names.ToDictionary(name => name, table.Column);
        var valueColumn = table.Column(value);
        table.ThrowIfFaulty();
        var rows = new List<Row>();
        var seen = new Dictionary<string, int>();
        foreach (var row in table.Rows)
        {
            var cells = columns.ToDictionary(column => column.Key, column => row.Cells[column.Value]);
            if (!Setting.TryParse($"{cells["domain"]}/{cells["method"]}", out var setting))
                table.Fault(row, $"\"{cells["domain"]}\" and \"{cells["method"]}\" are no domain and method of the nine settings");
            if (cells.FirstOrDefault(cell => cell.Value.Length == 0).Key is { } empty)
                table.Fault(row, $"\"{empty}\" is empty");
            if (!seen.TryAdd(string.Join('\n', names.Select(name => cells[name])), row.Line))
                table.Fault(row, $"is the same cell as line {seen[string.Join('\n', names.Select(name => cells[name]))]}");
            rows.Add(new Row(cells, setting, Value(table, row, valueColumn, file)));
        }
        table.ThrowIfFaulty();
        return rows;
    }

    private ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>> ReadByGenerator(string file, string[] columns, string use)
    {
        if (Open(file, use) is not { } table)
            return ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>>.Empty;
        var generator = table.Column("generator");
        var places = columns.ToDictionary(name => name, table.Column);
        table.ThrowIfFaulty();
        var rows = ImmutableDictionary.CreateBuilder<string, ImmutableDictionary<string, PrintedValue>>();
        foreach (var row in table.Rows)
        {
            if (rows.ContainsKey(row.Cells[generator]))
                table.Fault(row, $"{row.Cells[generator]} stands in the table twice");
            rows[row.Cells[generator]] = (from column in places
                                          let value = Value(table, row, column.Value, file)
                                          where value is not null
                                          select (column.Key, value)).ToImmutableDictionary(entry => entry.Key, entry => entry.value);
        }
        table.ThrowIfFaulty();
        return rows.ToImmutable();
    }

    private ImmutableArray<PrintedLoading> ReadLoadings()
    {
        if (Open(PublishedTables.LoadingsFile, "the comparison of loading strengths") is not { } table)
            return [];
        var (metric, strength, contribution) = (table.Column("metric"), table.Column("loading_strength"), table.Column("contribution_percent"));
        table.ThrowIfFaulty();
        var loadings = table.Rows.Select(row => (row, Strength: Value(table, row, strength, PublishedTables.LoadingsFile), Contribution: Value(table, row, contribution, PublishedTables.LoadingsFile))).ToArray();
        table.ThrowIfFaulty();
        return [.. loadings.Where(entry => entry is { Strength: not null, Contribution: not null }).Select(entry => new PrintedLoading(entry.row.Cells[metric], entry.Strength!, entry.Contribution!))];
    }

    private ImmutableArray<PrintedSetting> ReadSettings()
    {
        if (Open(PublishedTables.SettingsFile, use: null) is not { } table)
            return [];
        var (domain, method, seeds) = (table.Column("domain"), table.Column("method"), table.Column("seed_data"));
        table.ThrowIfFaulty();
        return [.. table.Rows.Select(row => new PrintedSetting(row.Cells[domain], row.Cells[method], row.Cells[seeds], row.Line))];
    }

    private CsvTable? Open(string file, string? use)
    {
        if (File.Exists(PathOf(file)))
            return CsvTable.Read(PathOf(file));
        if (use is not null)
            remarks.Add($"{file} is not there: {use} cannot be computed");
        return null;
    }

    private PrintedValue? Value(CsvTable table, CsvRow row, int column, string file)
    {
        var text = row.Cells[column].Trim();
        if (text.ToUpperInvariant() is "" or "NAN" or "N/A" or "-" or "–")
        {
            remarks.Add($"{file}:{row.Line} has no value (\"{text}\"): it is missing, not 0");
            return null;
        }
        var value = PrintedValue.Parse(text, row.Line);
        if (value is null)
            table.Fault(row, $"\"{text}\" is no finite number");
        return value;
    }

    // The finest of a column: a cell that prints fewer decimals ends in zeros.
    private void Note(string name, PrintedValue value) => halfWidths[name] = Math.Min(halfWidths.GetValueOrDefault(name, double.PositiveInfinity), value.HalfWidth);

    private string PathOf(string file) => Path.Combine(folder, file);

    private sealed record Row(Dictionary<string, string> Names, Setting Setting, PrintedValue? Value);
}
