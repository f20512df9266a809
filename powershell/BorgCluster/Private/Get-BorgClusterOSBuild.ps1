function Get-BorgClusterOSBuild {
    <#
    .SYNOPSIS
    Tells the version of Windows, such as 10.0.20348.
    #>
    try {
        # Without a manifest .NET may be told an older version than the true one
        $system = CimCmdlets\Get-CimInstance -ClassName 'Win32_OperatingSystem' -Property 'Version' -ErrorAction Stop
        return [string] $system.Version
    } catch {
        Write-Verbose -Message "Win32_OperatingSystem does not answer: $_"
        return [System.Environment]::OSVersion.Version.ToString(3)
    }
}
