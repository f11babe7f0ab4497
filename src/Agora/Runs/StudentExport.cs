using System.Collections.Immutable;
using Agora.Experiments;
using Agora.Training;

namespace Agora.Runs;

/// <summary>Copies a trained student out of the store, with its scores in its card, to be given to others.</summary>
public static class StudentExport
{
    /// <summary>The run's students by name, whether or not they are trained.</summary>
    public static ImmutableArray<string> StudentsOf(RunFolder run) =>
        [.. run.Steps().Select(step => TrainStep.StudentOf(step.Name)).OfType<string>()];

    /// <param name="student">A name of <see cref="StudentsOf"/>, or a part that only one has; null where there is only one.</param>
    /// <param name="folder">Does not exist yet, or is empty.</param>
    /// <returns>The student's name.</returns>
    /// <exception cref="AgoraException">None or several fit, the student is not trained or its files are damaged, or the folder holds something.</exception>
    public static string Copy(RunFolder run, StepStore store, string? student, string folder)
    {
        var name = Choose(run, student);
        var step = run.Steps().First(step => step.Name == TrainStep.NameOf(name));
        var found = store.Find(new StepKey(step.Key), thoroughly: true) switch
        {
            StepFinding.Whole whole => whole.Result,
            StepFinding.Damaged damaged => throw new AgoraException($"the files of the student are damaged: {damaged.Reason}", store.FolderOf(new StepKey(step.Key)), "give the run's command again: it trains the student anew"),
            _ => throw new AgoraException($"the student \"{name}\" is not trained yet", run.FullPath, "give the run's command again: it goes on from there"),
        };
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new AgoraException("the folder for the student is not empty", folder, "name one that does not exist yet") { ExitCode = 2 };
        var source = found.PathOf(StepFiles.Model);
        // Built beside its place, so that an interrupted copy is not taken for a model.
        var partial = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + ".partial";
        try
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
            Directory.CreateDirectory(partial);
            foreach (var file in Directory.EnumerateFiles(source))
                File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
            var card = Path.Combine(partial, StudentCard.FileName);
            if (File.Exists(card))
                File.WriteAllText(card, StudentCard.WithScores(File.ReadAllText(card), ScoresOf(run, name)));
            if (Directory.Exists(folder))
                Directory.Delete(folder);
            Directory.Move(partial, folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(folder, error);
        }
        return name;
    }

    private static ImmutableArray<StudentScore> ScoresOf(RunFolder run, string student) =>
        [.. run.Scores().Where(score => score.By == student).Select(score => new StudentScore(score.Benchmark, score.Mean, score.Graded, score.Unscored))];

    private static string Choose(RunFolder run, string? student)
    {
        var all = StudentsOf(run);
        if (student is not null && all.Contains(student))
            return student;
        var fitting = student is null ? all : [.. all.Where(name => name.Contains(student, StringComparison.Ordinal))];
        return fitting switch
        {
            [var only] => only,
            [] when all.IsEmpty => throw new AgoraException("the run has no students", run.FullPath, "choose a run that trains some") { ExitCode = 2 },
            [] => throw new AgoraException($"no student of the run is called \"{student}\"", run.FullPath, $"choose one of: {string.Join("; ", all)}") { ExitCode = 2 },
            _ => throw new AgoraException(student is null ? $"the run has {all.Length} students" : $"\"{student}\" fits {fitting.Length} students", run.FullPath, $"choose one of: {string.Join("; ", fitting)}") { ExitCode = 2 },
        };
    }
}
