using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;
using Agora.Reports;
using Agora.Reports.Leaderboards;

namespace Agora.Runs;

/// <summary>A finished run's results as entries of a leaderboard.</summary>
public static class LeaderboardEntries
{
    /// <summary>One per student, generator and setting that has a PGR.</summary>
    /// <exception cref="AgoraException">The run has no results, or what they were made from is no longer there.</exception>
    public static ImmutableArray<LeaderboardEntry> Of(RunFolder run, StepStore store)
    {
        if (!File.Exists(run.PathOf(ReportFiles.Json)))
            throw new AgoraException("the run has no results yet", run.FullPath, "let the run finish: give its command again") { ExitCode = 2 };
        var experiment = ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []);
        var results = ResultsDocument.Read(run.PathOf(ReportFiles.Json));
        var steps = run.Steps().ToDictionary(step => step.Name, step => new StepKey(step.Key));
        StepResult Step(string name) => steps.TryGetValue(name, out var key) && store.Find(key, thoroughly: false) is StepFinding.Whole(var found) ? found
            : throw new AgoraException($"the result of \"{name}\" is not there, so that the entry could not be checked", run.FullPath, "give the run's command again") { ExitCode = 2 };
        var hash = RunArchive.HashOf(run.Steps().Select(step => (step.Name, step.Key)), experiment.Confidence);
        var recipe = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(TrainStep.Deciding(experiment.Recipe))));
        var entries = ImmutableArray.CreateBuilder<LeaderboardEntry>();
        foreach (var entry in results.Pgr.Where(entry => entry is { Scope: "setting", Percent: not null }))
        {
            var setting = $"{entry.Domain}/{entry.Method}";
            var student = experiment.Students.First(spec => spec.Name == entry.Student);
            var written = experiment.Generators.Contains(entry.Generator) ? Step($"generate {setting} with {entry.Generator}") : null;
            var data = results.DataSets.FirstOrDefault(data => data.Generator == entry.Generator && data.Setting == setting);
            ScoreEntry Score(string benchmark, string model) => results.Scores.First(score => score.Benchmark == benchmark && score.Student == entry.Student && score.Model == model
                && (model != AnsweredBy.StudentRole || score.Generator == entry.Generator && score.Setting == setting));
            var given = experiment.DataSets.FirstOrDefault(set => set.Name == entry.Generator);
            entries.Add(new LeaderboardEntry
            {
                ExperimentHash = hash,
                Run = run.Id,
                Agora = run.Environment().Agora,
                Generator = entry.Generator,
                GeneratorIdentity = (string?)written?.Manifest.Parameters["model"] ?? "",
                Setting = setting,
                MetaPrompt = written is null ? "" : experiment.MetaPromptOf(entry.Generator).Name(),
                Instances = data?.Valid ?? SeedData.SeedSet.Load(given!.Data, requireResponse: true).Instances.Count,
                DataHash = written?.Manifest.Files.First(file => file.Path == StepFiles.Instances).Sha256 ?? "",
                Dollars = data?.Dollars,
                Student = entry.Student,
                BaseIdentity = Model(Step($"answer {experiment.Benchmarks.First(of => of.Key.Name() == entry.Domain).Value[0].Name} by {student.Base}")),
                ReferenceIdentity = Model(Step($"answer {experiment.Benchmarks.First(of => of.Key.Name() == entry.Domain).Value[0].Name} by {student.Reference}")),
                RecipeHash = recipe,
                TrainingSeeds = experiment.TrainingSeeds.Length,
                Pgr = entry.Percent!.Value,
                Low = entry.Low,
                High = entry.High,
                Scores =
                [
                    .. experiment.Benchmarks.First(of => of.Key.Name() == entry.Domain).Value.Select(benchmark =>
                    {
                        var (low, high, trained) = (Score(benchmark.Name, AnsweredBy.BaseRole), Score(benchmark.Name, AnsweredBy.ReferenceRole), Score(benchmark.Name, AnsweredBy.StudentRole));
                        var unscored = new[] { low, high, trained }.Sum(score => score.Unscored.Sum(reason => reason.Answers));
                        return new LeaderboardScore(benchmark.Name, Step($"grade {benchmark.Name} by {student.Base}").Manifest.Version,
                            (string?)Step($"answer {benchmark.Name} by {student.Base}").Manifest.Parameters["questions"] ?? "", low.Graded + low.Unscored.Sum(reason => reason.Answers), unscored,
                            Known(low), Known(high), Known(trained));

                        // A setting with a PGR has all scores; a results file that says otherwise was written over.
                        double Known(ScoreEntry score) => score.Score ?? throw new AgoraException($"there is a PGR of {setting} and no score of {benchmark.Name} by the {score.Model}",
                            run.PathOf(ReportFiles.Json), "the results contradict themselves: give the run's command again, which writes them anew") { ExitCode = 2 };
                    }),
                ],
            }.Sealed());
        }
        return entries.Count > 0 ? entries.ToImmutable() : throw new AgoraException("the run has no PGR of any setting", run.FullPath, "see its report for the reasons") { ExitCode = 2 };
    }

    /// <summary>Writes a leaderboard in the form that the file's name asks for, whole or not at all.</summary>
    public static void Write(Leaderboard board, string path) => DurableFiles.Instance.WriteWhole(Path.GetFullPath(path), Encoding.UTF8.GetBytes(LeaderboardFile.Render(board, path)));

    private static string Model(StepResult answered) => (string?)answered.Manifest.Parameters["model"] ?? "";
}
