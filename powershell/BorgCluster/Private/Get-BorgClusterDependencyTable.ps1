function Get-BorgClusterDependencyTable {
    <#
    .SYNOPSIS
    Reads which resource depends on which with one question: a table of resource id and list of ids; $null when nobody
    answers.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Resource
    )

    $query = @{
        Namespace = 'root\MSCluster'
        ClassName = 'MSCluster_ResourceToDependentResource'
        ErrorAction = 'Stop'
    }
    try {
        $links = @(CimCmdlets\Get-CimInstance @query)
    } catch {
        Write-Verbose -Message "MSCluster_ResourceToDependentResource does not answer: $_"
        return $null
    }
    if ($links.Count -eq 0) {
        # Each virtual machine depends on its configuration: no link at all is no answer
        return $null
    }
    $idOf = @{}
    foreach ($one in $Resource) {
        $id = ConvertTo-BorgClusterId -Value $one.Id
        if ($null -ne $id) {
            $idOf[[string] $one.Name] = $id
            $idOf[$id] = $id
        }
    }
    $table = @{}
    foreach ($link in $links) {
        # A reference holds the key of its resource only: the name or the id
        $ends = [System.Collections.Generic.List[object]]::new()
        foreach ($side in @('Dependent', 'Antecedent')) {
            $end = Get-BorgClusterProperty -InputObject $link -Name $side
            $key = [string] (Get-BorgClusterProperty -InputObject $end -Name 'Id')
            if ($key -eq '') {
                $key = [string] (Get-BorgClusterProperty -InputObject $end -Name 'Name')
            }
            if ($idOf.ContainsKey($key)) {
                $ends.Add($idOf[$key])
            }
        }
        if ($ends.Count -eq 2) {
            if (-not $table.ContainsKey($ends[0])) {
                $table[$ends[0]] = [System.Collections.Generic.List[object]]::new()
            }
            $table[$ends[0]].Add($ends[1])
        }
    }
    return $table
}
