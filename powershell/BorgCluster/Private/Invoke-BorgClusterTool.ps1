function Invoke-BorgClusterTool {
    <#
    .SYNOPSIS
    Runs a tool of Windows' and returns what it wrote and the code that it ended with; fails when there is no such tool.
    .DESCRIPTION
    Its words are localized and in the system's code page: only the code, and what has a form of its own in the text, count.
    .OUTPUTS
    A table with ExitCode and Line.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Name,

        [Parameter(Mandatory)]
        [string[]]
        $Argument
    )

    # What a tool writes to its error output, or its code, is no error of PowerShell's yet: the caller judges
    $ErrorActionPreference = 'Continue'
    Set-Variable -Name 'PSNativeCommandUseErrorActionPreference' -Value $false
    Set-Variable -Name 'LASTEXITCODE' -Value 0 -Scope 'Global'
    try {
        $output = @(& $Name @Argument 2>&1)
    } catch {
        # Without this handler a missing tool would only be told, and taken for one that ended well
        throw
    }
    return @{
        ExitCode = [int] $LASTEXITCODE
        Line = @(foreach ($one in $output) { [string] $one })
    }
}
