function Get-BorgClusterPlannedSystem {
    <#
    .SYNOPSIS
    Finds a planned virtual machine in WMI by its id; nothing when there is none.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $query = @{
        Namespace = 'root\virtualization\v2'
        ClassName = 'Msvm_PlannedComputerSystem'
        Filter = "Name = '$($VMId.ToString('D').ToUpperInvariant())'"
        ErrorAction = 'Stop'
    }
    foreach ($planned in @(CimCmdlets\Get-CimInstance @query)) {
        if ($null -ne $planned) {
            $planned
        }
    }
}
