using System.Diagnostics;

namespace Agora.Experiments;

/// <summary>What other programs are given of this process's environment: where things are, and no keys or tokens, whose names the user chooses.</summary>
public static class KeylessEnvironment
{
    private static readonly string[] Kept = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME", "PYENV_ROOT", "PYENV_VERSION", "GIT_DIR", "SystemRoot"];

    public static ProcessStartInfo WithoutKeys(this ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.Except(Kept).ToArray())
            start.Environment.Remove(name);
        return start;
    }
}
