function Invoke-BorgClusterRoleTask {
    <#
    .SYNOPSIS
    Makes a virtual machine of this node highly available by a task of the system account, which is removed afterwards.
    .DESCRIPTION
    The only part of the task's command that comes from outside is a GUID. The role is named afterwards, here.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $id = $VMId.ToString('D')
    $place = @{ TaskPath = '\BorgCluster\'; TaskName = "Add role $id" }
    $command = "Import-Module -Name FailoverClusters; Add-ClusterVirtualMachineRole -VMId '$id' -ErrorAction Stop"
    $action = @{
        Execute = '%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe'
        Argument = "-NoProfile -NonInteractive -Command ""$command"""
    }
    $identity = @{
        # The system account by its SID: its name is localized
        UserId = 'S-1-5-18'
        LogonType = 'ServiceAccount'
        RunLevel = 'Highest'
    }
    $task = @{
        Action = ScheduledTasks\New-ScheduledTaskAction @action
        Principal = ScheduledTasks\New-ScheduledTaskPrincipal @identity
        Force = $true
        ErrorAction = 'Stop'
    }
    $null = ScheduledTasks\Register-ScheduledTask @task @place
    try {
        $null = ScheduledTasks\Start-ScheduledTask -ErrorAction Stop @place
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        while ($clock.Elapsed.TotalSeconds -lt 120) {
            Start-Sleep -Milliseconds 500
            $now = ScheduledTasks\Get-ScheduledTask -ErrorAction Stop @place
            if ([string] $now.State -notin @('Queued', 'Running')) {
                break
            }
        }
        $code = [long] (ScheduledTasks\Get-ScheduledTaskInfo -ErrorAction Stop @place).LastTaskResult
    } finally {
        $null = ScheduledTasks\Unregister-ScheduledTask -Confirm:$false -ErrorAction Stop @place
    }
    if ($code -ne 0) {
        $record = @{
            ErrorId = 'BorgClusterTaskFailed'
            Category = 'OperationStopped'
            Message = "The task ended with $('0x{0:X8}' -f $code)."
            TargetObject = $code
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
}
