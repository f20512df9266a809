function Get-BorgClusterFreeMemory {
    <#
    .SYNOPSIS
    Tells how many bytes of this node's memory are free, and so could be given to a machine that starts; nothing if Windows doesn't say.
    #>
    try {
        $query = @{ ClassName = 'Win32_OperatingSystem'; Property = 'FreePhysicalMemory'; ErrorAction = 'Stop' }
        # In KiB
        return [long] (CimCmdlets\Get-CimInstance @query).FreePhysicalMemory * 1024
    } catch {
        Write-Verbose -Message "Win32_OperatingSystem does not answer: $_"
        return $null
    }
}
