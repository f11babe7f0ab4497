using Agora.Benchmarks;

namespace Agora.Recovery;

/// <summary>pass@k over a benchmark's tasks, with the standard error of the mean over tasks.</summary>
public static class PassAtKEstimate
{
    /// <returns>Null where some task has fewer than <paramref name="k"/> graded samples, or where nothing was graded.</returns>
    public static ClusteredScore? Of(IEnumerable<GradedAnswer> grades, int k, double level)
    {
        var tasks = grades.Where(grade => grade.Grade is Grade.Scored).GroupBy(grade => grade.ItemId, StringComparer.Ordinal)
            .Select(task => (Samples: task.Count(), Passed: task.Count(grade => grade.Grade is Grade.Scored(1)))).ToList();
        return PassAtK.Mean(tasks, k) is null ? null : ClusteredScore.Of([.. tasks.Select(task => (PassAtK.Of(task.Samples, task.Passed, k), task.Samples))], level);
    }
}
